#include "kube/oidc_renewal.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "kube/kubeconfig_edit.h"
#include "kube/retry.h"
#include "kube/subprocess.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr long kTimeLimitMs = 30'000;
/// A refresh token that the issuer has taken may be good for no second use: its answer is waited for.
constexpr std::chrono::seconds kLastWords{5};
constexpr std::size_t kLargestAnswer = 1024UL * 1024UL;

struct Answer {
  int status{};
  std::string body{};
};

struct Post {
  std::string form{};
  std::string authorization{};  // "": none
};

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* into) noexcept {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > kLargestAnswer) return 0;
  body.append(data, size * count);
  return size * count;
}

/// When a transfer is given up.
struct Limit {
  const std::atomic<bool>& stop;
  std::chrono::steady_clock::duration grace{};  // after `stop`
  std::optional<std::chrono::steady_clock::time_point> stopped{};
};

int keep_going(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  auto& limit = *static_cast<Limit*>(context);
  if (!limit.stop.load()) return 0;
  const auto now = std::chrono::steady_clock::now();
  if (!limit.stopped) limit.stopped = now;
  return now - *limit.stopped >= limit.grace ? 1 : 0;
}

/// One request to the issuer; a GET without `post`.
class Exchange {
 public:
  Exchange(const OidcSpec& spec, const std::atomic<bool>& stop) : spec_(spec), stop_(stop) {}

  Result<Answer> send(const std::string& url, const Post* post) {
    Easy easy(curl_easy_init(), &curl_easy_cleanup);
    if (!easy) return failed(url, CURLE_OUT_OF_MEMORY, "no memory");
    Answer out{};
    std::array<char, CURL_ERROR_SIZE> problem{};
    Limit limit{.stop = stop_, .grace = post != nullptr ? kLastWords : std::chrono::seconds{0}};
    prepare(easy.get(), url, limit);
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, problem.data());
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &out.body);
    List headers(nullptr, &curl_slist_free_all);
    if (post != nullptr) {
      curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post->form.size()));
      curl_easy_setopt(easy.get(), CURLOPT_COPYPOSTFIELDS, post->form.data());
      if (!post->authorization.empty())
        headers.reset(curl_slist_append(nullptr, ("Authorization: " + post->authorization).c_str()));
      curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    } else {
      curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, 1L);
      curl_easy_setopt(easy.get(), CURLOPT_MAXREDIRS, 10L);
    }
    const CURLcode code = curl_easy_perform(easy.get());
    if (code != CURLE_OK)
      return failed(url, code, problem[0] != '\0' ? problem.data() : curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    out.status = static_cast<int>(status);
    return out;
  }

 private:
  void prepare(CURL* easy, const std::string& url, Limit& limit) const {
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kTimeLimitMs);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &keep_going);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &limit);
    // Always set, so that libcurl does not read the environment its own way.
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy_url(proxy_for(url, spec_.proxies)).c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    believe(easy, spec_.ca_pem.empty() ? spec_.roots : Authorities{.pem = spec_.ca_pem, .folder = false});
  }

  static Error failed(const std::string& url, CURLcode code, std::string_view why) {
    return {.code = is_retryable_transport(code, why) ? Code::unreachable : Code::unauthenticated,
            .message = fmt::format("auth-provider oidc: cannot ask {}: {}", printable(url), why),
            .hint = "check idp-issuer-url and idp-certificate-authority of the user's auth-provider"};
  }

  const OidcSpec& spec_;
  const std::atomic<bool>& stop_;
};

Error not_kept(const OidcSpec& spec, const Error& why) {
  return {.code = Code::unauthenticated,
          .message = fmt::format("auth-provider oidc: a new token could not be kept in {}: {}", spec.file,
                                 why.message),
          .hint = why.hint.empty() ? "make the file and its folder writable" : why.hint};
}

Result<OidcTokens> ask(const OidcSpec& spec, const std::atomic<bool>& stop) {
  Exchange exchange(spec, stop);
  WUKONG_TRY(const Answer described, exchange.send(discovery_url(spec), nullptr));
  WUKONG_TRY(const std::string endpoint, token_endpoint(described.status, described.body));
  const Post first{.form = renewal_form(spec, false), .authorization = client_authorization(spec)};
  auto answer = exchange.send(endpoint, &first);
  if (!stop && (!answer || !is_granted(answer->status, answer->body))) {
    const Post second{.form = renewal_form(spec, true)};
    answer = exchange.send(endpoint, &second);
  }
  if (!answer) return std::move(answer.error());
  return renewed_tokens(spec, answer->status, answer->body);
}

}  // namespace

Result<OidcTokens> renew_tokens(const OidcSpec& spec, const std::atomic<bool>& stop) {
  if (auto writable = check_writable(spec.file); !writable) return not_kept(spec, writable.error());
  WUKONG_TRY(OidcTokens tokens, ask(spec, stop));
  const std::map<std::string, std::string> settings{{"id-token", tokens.id_token},
                                                    {"refresh-token", tokens.refresh_token}};
  auto kept = rewrite_file(spec.file,
                           [&](const std::string& text) { return with_settings(text, spec.user, settings); });
  if (!kept) return not_kept(spec, kept.error());
  return tokens;
}

struct OidcRenewal::State {
  OidcSpec spec{};
  Renew renew{};
  Fd ended{};
  std::atomic<bool> stop{};
  std::mutex guard{};
  std::optional<Result<OidcTokens>> result{};
  std::thread thread{};

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    stop = true;
    if (thread.joinable()) thread.join();
  }

  void run() {
    auto got = renew(spec, stop);
    const std::scoped_lock lock(guard);
    result = std::move(got);
    const std::uint64_t one = 1;
    static_cast<void>(::write(ended.get(), &one, sizeof one));
  }
};

Result<OidcRenewal> OidcRenewal::start(const OidcSpec& spec, Renew renew) {
  auto state = std::make_shared<State>();
  state->spec = spec;
  state->renew = std::move(renew);
  state->ended = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!state->ended)
    return Error{.message = fmt::format("cannot renew a token: {}", std::generic_category().message(errno))};
  try {
    state->thread = std::thread([running = state.get()] { running->run(); });
  } catch (const std::system_error& e) {
    return Error{.message = fmt::format("cannot renew a token: {}", e.what())};
  }
  return OidcRenewal(std::move(state));
}

pollfd OidcRenewal::wait() const { return {.fd = state_->ended.get(), .events = POLLIN, .revents = 0}; }

std::optional<Result<OidcTokens>> OidcRenewal::result() const {
  const std::scoped_lock lock(state_->guard);
  return state_->result;
}

}  // namespace wukong::kube
