// What a certificate says of itself.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace wukong::kube {

struct CertificateFacts {
  std::string subject{};  // "CN=jo, O=developers"
  WallTime not_before{};
  WallTime not_after{};
};

/// Of the first certificate in a PEM text. Errors: `failed` when there is none.
Result<CertificateFacts> read_certificate(std::string_view pem);

}  // namespace wukong::kube
