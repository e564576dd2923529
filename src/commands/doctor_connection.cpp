// `doctor --connection`: connects, and reports how far it came.
#include <fmt/format.h>

#include "commands/doctor.h"
#include "kube/proxy.h"

namespace wukong::commands {

namespace {

Result<Json> answer_to(kube::Api& api, kube::Request request) {
  WUKONG_TRY(kube::Response answer, kube::ask(api, std::move(request)));
  return std::move(answer.body);
}

/// Who the server takes us for. Source: authentication.k8s.io/v1 SelfSubjectReview, served since Kubernetes 1.28.
Result<Json> review(kube::Api& api) {
  return answer_to(api, {.method = kube::Method::post,
                         .path = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                         .body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})"});
}

/// Connects, and keeps in `facts` how far it came. The error is what is wrong.
Result<void> gather(ConnectionFacts& facts, Context& cx) {
  std::optional<Time> sent{};
  cx.trace([&facts, &sent](const kube::Traced& exchange, bool answered) {
    if (!sent) sent = std::chrono::steady_clock::now();
    if (answered && (!facts.exchange || facts.exchange->status == 0)) facts.exchange = exchange;
  });
  cx.limit_patience(kPatience);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  facts.access = cx.access();
  facts.proxy = facts.access.proxy_url;
  if (facts.proxy.empty()) {
    facts.proxy = kube::proxy_for(facts.access.server, kube::proxy_environment(cx.io().all_environment));
    facts.proxy_of_environment = !facts.proxy.empty();
  }
  if (auto certificate = kube::read_certificate(facts.access.credentials.client_certificate))
    facts.certificate = std::move(*certificate);
  const Time began = api->now();
  auto version = answer_to(*api, {.path = "/version"});
  if (sent) facts.credential = *sent - began;
  if (!version) return std::move(version.error());
  facts.version = std::move(*version);
  if (auto who = review(*api))
    facts.review = std::move(*who);
  else if (who.error().code == Code::unauthenticated || who.error().code == Code::unreachable)
    return std::move(who.error());
  return {};
}

void print_checks(const std::vector<Check>& checks, bool headers, Context& cx) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(checks.size());
  for (const Check& check : checks)
    rows.push_back({check.name, check.took ? format_duration(*check.took) : "", check.result});
  cx.print(render::table({"STEP", "TIME", "RESULT"}, rows, headers));
}

Json as_json(const std::vector<Check>& checks, const std::vector<std::string>& doubts,
             const Result<void>& result) {
  Json all = {
      {"apiVersion", "vm.novasphere.dev/v1alpha1"}, {"kind", "ConnectionReport"}, {"steps", Json::array()}};
  for (const Check& check : checks) {
    Json step = {{"name", check.name}, {"result", check.result}};
    if (check.took)
      step["milliseconds"] = std::chrono::duration_cast<std::chrono::milliseconds>(*check.took).count();
    all["steps"].push_back(std::move(step));
  }
  all["doubts"] = doubts;
  all["problem"] = result ? "" : result.error().message;
  return all;
}

}  // namespace

Result<void> check_connection(const DoctorOptions& o, const render::Printer& printer, Context& cx) {
  ConnectionFacts facts{.now = cx.io().now};
  Result<void> result = gather(facts, cx);
  if (facts.access.server.empty()) return result;  // not even an address: the error says what is missing
  const std::vector<Check> checks = connection_checks(facts);
  const std::vector<std::string> doubts = connection_doubts(facts);
  if (!printer.is_table() && printer.format != render::OutputFormat::name) {
    WUKONG_CHECK(cx.print_objects(printer, {as_json(checks, doubts, result)}));
    return result;
  }
  print_checks(checks, !o.output.no_headers, cx);
  for (const std::string& doubt : doubts) cx.note("warning", doubt);
  if (result) cx.note("note", "the connection works");
  return result;
}

}  // namespace wukong::commands
