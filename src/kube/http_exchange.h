// One transfer of libcurl's: what it was given, what has come, and who is told.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kube/http.h"
#include "kube/loop.h"
#include "kube/trace.h"

namespace wukong::kube {

/// Its callbacks run inside libcurl, where nothing of ours may be called: they only keep what came, and `deliver` hands it
/// on from the loop. `Http` configures `easy` and fills in the rest.
struct HttpExchange : std::enable_shared_from_this<HttpExchange> {
  explicit HttpExchange(Loop& where) : loop(&where) {}

  using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

  Loop* loop;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{nullptr, &curl_easy_cleanup};
  List headers{nullptr, &curl_slist_free_all};
  List connect_to{nullptr, &curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> problem{};
  HttpEvents events{};
  HttpAnswer answer{};
  std::string body{};   // of the request
  std::size_t given{};  // of it, to libcurl
  std::size_t largest_body{};
  Duration quiet_after{};
  Duration idle_limit{};
  Time last_byte{};
  std::string pending{};  // streamed bytes not handed on yet
  bool streaming{};       // a 2xx answer to a stream
  bool opened_pending{};
  bool deliver_pending{};
  bool too_large{};
  bool cancelled{};
  Handle transfer{};
  Handle idle_timer{};
  std::function<void(const Traced&, bool)> trace{};
  Traced traced{};

  // What libcurl is given, with the exchange as its data.
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static int on_rewind(void* self, curl_off_t offset, int origin) noexcept;

  /// From the loop, when libcurl is done with it: tells `events.done`, once.
  void finish(CURLcode code);
  /// Ends the exchange when `idle_limit` has passed since the last byte; looks again when it has not.
  void watch_silence();

 private:
  std::size_t give_body(char* to, std::size_t room);
  std::size_t take_header(std::string_view line);
  std::size_t take_body(std::string_view piece);
  void read_status();
  void deliver_soon();
  void deliver();
  void on_silence();
  void read_end(CURLcode code);
  void tell_answer();
  void read_remote();
  Duration since_begin(CURLINFO which) const;
};

}  // namespace wukong::kube
