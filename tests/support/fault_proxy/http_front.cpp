#include "support/fault_proxy/http_front.h"

#include <fmt/format.h>

#include "support/fault_proxy/http_relay.h"

namespace wukong::faults {
namespace {

using boost::system::error_code;

/// HTTP/1.1 is all that we speak; a client that offers HTTP/2 is told so.
int choose_http1(SSL* /*tls*/, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                 unsigned int offered_size, void* /*unused*/) {
  static constexpr std::array<unsigned char, 9> kHttp1{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kHttp1.data(), kHttp1.size(), offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void prepare_server_side(ssl::context& context, const std::string& certificate, const std::string& key) {
  context.use_certificate_chain(asio::buffer(certificate));
  context.use_private_key(asio::buffer(key), ssl::context::pem);
  SSL_CTX_set_alpn_select_cb(context.native_handle(), choose_http1, nullptr);
}

void prepare_client_side(ssl::context& context, const Upstream& upstream) {
  context.set_verify_mode(upstream.insecure ? ssl::verify_none : ssl::verify_peer);
  if (upstream.authority.empty())
    context.set_default_verify_paths();
  else
    context.add_certificate_authority(asio::buffer(upstream.authority));
  if (upstream.certificate.empty()) return;
  context.use_certificate_chain(asio::buffer(upstream.certificate));
  context.use_private_key(asio::buffer(upstream.key), ssl::context::pem);
}

void accept(const std::shared_ptr<HttpShared>& shared) {
  shared->acceptor.async_accept([shared](const error_code& failed, Tcp::socket client) {
    if (failed) return;
    error_code ignored;
    client.set_option(Tcp::no_delay(true), ignored);
    std::make_shared<HttpRelay>(std::move(client), shared)->start();
    accept(shared);
  });
}

}  // namespace

HttpFront::HttpFront(std::shared_ptr<HttpShared> shared) : shared_(std::move(shared)) {}

HttpFront::~HttpFront() {
  error_code ignored;
  shared_->acceptor.close(ignored);
}

Tcp::endpoint HttpFront::endpoint() const { return shared_->acceptor.local_endpoint(); }

Result<void> HttpFront::rotate() {
  try {
    ssl::context fresh(
        ssl::context::tls_server);  // with its own session tickets: nobody resumes an old session
    prepare_server_side(fresh, shared_->next.certificate, shared_->next.key);
    shared_->to_client = std::move(fresh);
    return {};
  } catch (const boost::system::system_error& e) {
    return Error{.message = fmt::format("the certificate cannot be rotated: {}", e.what())};
  }
}

Result<std::unique_ptr<HttpFront>> HttpFront::make(asio::io_context& io, const Upstream& upstream,
                                                   Tcp::endpoint server, const Certificates& own,
                                                   Decide decide) {
  try {
    auto shared = std::make_shared<HttpShared>(io);
    shared->upstream = upstream;
    shared->server = std::move(server);
    shared->decide = std::move(decide);
    prepare_server_side(shared->to_client, own.certificate, own.key);
    shared->next = own.next;
    prepare_client_side(shared->to_server, upstream);
    accept(shared);
    return std::unique_ptr<HttpFront>(new HttpFront(std::move(shared)));
  } catch (const boost::system::system_error& e) {
    return Error{.code = Code::usage, .message = fmt::format("the proxy cannot end TLS: {}", e.what())};
  }
}

}  // namespace wukong::faults
