// The least that creating objects costs: libcurl alone, one HTTP/2 connection, 32 requests in flight, and a watch. It looks into no
// answer, and it does not know what an error is.
//
//   wukong-bench-floor SERVER CA CERTIFICATE KEY COLLECTION FILE
//
// Each line of FILE is posted to COLLECTION ("/apis/kubevirt.io/v1/namespaces/demo/virtualmachines").
#include <curl/curl.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kInFlight = 32;

struct Target {
  const char* server{};
  const char* ca{};
  const char* certificate{};
  const char* key{};
  const char* collection{};
};

std::size_t swallow(char* /*data*/, std::size_t size, std::size_t count, void* /*unused*/) {
  return size * count;
}

CURL* request(const Target& target, const char* query, curl_slist* headers) {
  CURL* const easy = curl_easy_init();
  const std::string url = std::string(target.server) + target.collection + query;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_CAINFO, target.ca);
  curl_easy_setopt(easy, CURLOPT_SSLCERT, target.certificate);
  curl_easy_setopt(easy, CURLOPT_SSLKEY, target.key);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &swallow);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  return easy;
}

/// Posts all bodies; how many were answered with 201.
std::size_t create(CURLM* multi, const Target& target, const std::vector<std::string>& bodies,
                   curl_slist* headers) {
  std::vector<CURL*> slots;
  std::size_t next = 0;
  std::size_t answered = 0;
  std::size_t created = 0;
  const auto post = [&](CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(bodies[next].size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bodies[next].c_str());
    ++next;
    curl_multi_add_handle(multi, easy);
  };
  while (next < bodies.size() && next < kInFlight)
    post(slots.emplace_back(request(target, "?fieldValidation=Strict", headers)));
  while (answered < bodies.size()) {
    int left = 0;
    curl_multi_perform(multi, &left);
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* const easy = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      curl_multi_remove_handle(multi, easy);
      ++answered;
      if (status == 201) ++created;
      if (next < bodies.size()) post(easy);
    }
    if (answered < bodies.size()) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  for (CURL* const easy : slots) curl_easy_cleanup(easy);
  return created;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const Target target{argv[1], argv[2], argv[3], argv[4], argv[5]};
  std::vector<std::string> bodies;
  std::ifstream file(argv[6]);
  for (std::string line; std::getline(file, line);) bodies.push_back(line);

  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_slist* const headers =
      curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:");
  CURL* const watch = request(target, "?watch=true", nullptr);
  curl_multi_add_handle(multi, watch);
  const std::size_t created = create(multi, target, bodies, headers);
  std::printf("created %zu of %zu\n", created, bodies.size());
  curl_multi_remove_handle(multi, watch);
  curl_easy_cleanup(watch);
  curl_slist_free_all(headers);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  return created == bodies.size() ? 0 : 1;
}
