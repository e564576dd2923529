#include "commands/context.h"

#include <doctest/doctest.h>

#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::commands;

TEST_CASE("context: what was said of cluster and user stands in commands that are printed, but for secrets") {
  testing::FakeApi api;
  GlobalOptions global;
  global.cluster.context = "prod";
  global.cluster.server = "https://h:6443";
  global.cluster.certificate_authority = "my ca.crt";
  global.insecure = true;
  global.cluster.tls_server_name = "api.example";
  global.cluster.client_certificate = "me.crt";
  global.cluster.client_key = "me.key";
  global.cluster.token = "hunter2";
  global.cluster.as = "jane";
  global.cluster.as_uid = "7";
  global.cluster.as_group = {"dev", "it's"};
  const Context cx({}, global, api, "demo");
  CHECK(cx.scope().where() ==
        "-n demo --context prod --server https://h:6443 --certificate-authority 'my ca.crt' "
        "--insecure-skip-tls-verify --tls-server-name api.example --client-certificate me.crt --client-key "
        "me.key "
        R"(--as jane --as-uid 7 --as-group dev --as-group 'it'\''s')");
  // Whoever grants rights is somebody else.
  CHECK(cx.scope().cluster_flags ==
        " --context prod --server https://h:6443 --certificate-authority 'my ca.crt' "
        "--insecure-skip-tls-verify --tls-server-name api.example");
}
