#include "kube/authorities.h"

#include <curl/curl.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "kube/pem.h"

namespace wukong::kube {
namespace {

using Read = std::function<Result<std::string>(const std::string& path)>;

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return {};
}

std::string certificates_of(const std::string& file, const Read& read) {
  const auto text = read(file);
  return text ? certificates_in(*text) : std::string();
}

std::string certificates_below(const std::string& folder, const Read& read) {
  std::vector<std::string> files;
  std::error_code problem;
  for (std::filesystem::directory_iterator each(folder, problem), end; !problem && each != end;
       each.increment(problem))
    if (!each->is_directory(problem)) files.push_back(each->path().string());
  std::sort(files.begin(), files.end());
  std::string all;
  for (const std::string& file : files) all += certificates_of(file, read);
  return all;
}

std::string bundle_of_libcurl() {
  const char* path = curl_version_info(CURLVERSION_NOW)->cainfo;
  return path == nullptr ? std::string() : path;
}

}  // namespace

Authorities system_authorities(const std::vector<std::string>& environment, const Read& read) {
  const std::string file = value_of(environment, "SSL_CERT_FILE");
  const std::string folders = value_of(environment, "SSL_CERT_DIR");
  if (file.empty() && folders.empty()) return {};
  std::string all = certificates_of(file.empty() ? bundle_of_libcurl() : file, read);
  for (const std::string& folder : split(folders, ':'))
    if (!folder.empty()) all += certificates_below(folder, read);
  return {.pem = std::move(all), .folder = folders.empty()};
}

void believe(void* easy, const Authorities& authorities) {
  if (authorities.pem) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, nullptr);
  }
  if (authorities.pem && !authorities.pem->empty()) {
    // libcurl copies it; its interface just lacks the const.
    curl_blob blob{
        const_cast<char*>(authorities.pem->data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        authorities.pem->size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
  }
  if (authorities.folder) return;
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, nullptr);
}

}  // namespace wukong::kube
