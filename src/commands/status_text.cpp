#include "commands/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/output.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kCauseLines = 3;
constexpr std::size_t kShortestName = 24;
constexpr std::size_t kBetween = 3;    // columns of render::table
constexpr std::size_t kNarrowest = 6;  // one of its columns

/// What the branches of a tree are drawn with.
struct Branches {
  const char* middle{};
  const char* last{};
  const char* through{};
};
constexpr Branches kUnicode{"├─ ", "└─ ", "│  "};
constexpr Branches kAscii{"|- ", "`- ", "|  "};

struct Line {
  std::vector<std::string> cells{};
  std::string before{};  // branches before the name
  std::string name{};
  std::string ns{};
  std::string cause{};
  std::string indent{};  // before the cause
};

std::string age(const std::string& since, WallTime now) {
  const auto made = parse_rfc3339(since);
  if (!made || *made == WallTime::min()) return "";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(std::max(now - *made, WallTime::duration{}));
  return seconds.count() == 0 ? "0s" : format_duration(seconds);
}

std::string progress_cell(const StatusNode& node) {
  if (!node.fraction) return node.detail;
  const std::string percent = fmt::format("{:.0f}%", *node.fraction * 100);
  return node.detail.empty() ? percent : fmt::format("{} {}", percent, node.detail);
}

/// Whether something below `node` is held up by the same: it is shown there, nearer to what must be mended.
bool is_told_below(const StatusNode& node, const std::string& cause) {
  return std::any_of(node.children.begin(), node.children.end(), [&](const StatusNode& child) {
    return child.cause == cause || is_told_below(child, cause);
  });
}

/// A name cut in its middle: generated ones differ at their ends.
std::string shortened(const std::string& name, std::size_t columns) {
  if (name.size() <= columns || columns < 8) return name;
  const std::size_t tail = columns / 3;
  return name.substr(0, columns - tail - 1) + "…" + name.substr(name.size() - tail);
}

void add_lines(const StatusNode& node, const std::string& before, const std::string& below,
               const StatusLook& look, WallTime now, std::vector<Line>& out) {
  const Branches& branches = look.unicode ? kUnicode : kAscii;
  Line line{.cells = {node.stage, progress_cell(node), age(node.since, now)},
            .before = before,
            .name = node.what.words(),
            .ns = before.empty() ? node.ns : "",
            .cause = is_told_below(node, node.cause) ? "" : node.cause,
            .indent = below + (node.children.empty() ? "   " : branches.through)};
  out.push_back(std::move(line));
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const bool last = i + 1 == node.children.size();
    add_lines(node.children[i], below + (last ? branches.last : branches.middle),
              below + (last ? "   " : branches.through), look, now, out);
  }
}

const char* state_word(StatusNode::State state) {
  switch (state) {
    case StatusNode::State::working:
      return "working";
    case StatusNode::State::waiting:
      return "waiting";
    case StatusNode::State::failed:
      return "failed";
    case StatusNode::State::done:
      break;
  }
  return "done";
}

/// `text` in lines of at most `columns` (zero: one line), the last of them cut.
std::vector<std::string> cause_lines(const std::string& text, std::size_t columns) {
  const std::string clean = printable(text);
  if (columns == 0) return {clean};
  std::vector<std::string> lines = wrapped(clean, columns);
  if (lines.size() > kCauseLines) {
    lines[kCauseLines - 1] += " " + lines[kCauseLines];
    lines.resize(kCauseLines);
  }
  for (std::string& line : lines) line = fit(line, columns);
  return lines;
}

std::vector<std::string> indented_cause(const Line& line, std::size_t left, std::size_t room,
                                        const StatusLook& look) {
  if (line.cause.empty()) return {};
  const std::string before = std::string(left, ' ') + line.indent;
  const std::size_t taken = display_width(before) + 2;
  std::vector<std::string> lines = cause_lines(line.cause, room <= taken ? room : room - taken);
  for (std::size_t i = 0; i < lines.size(); ++i)
    lines[i] = before + (i > 0 ? "  " : look.unicode ? "⚠ " : "! ") + lines[i];
  return lines;
}

/// Columns that the namespaces take, with what stands between them and the names.
std::size_t namespace_width(const std::vector<Line>& lines, const StatusLook& look) {
  if (!look.namespaces) return 0;
  std::size_t widest = look.headers ? std::string_view("NAMESPACE").size() : 0;
  for (const Line& line : lines) widest = std::max(widest, display_width(line.ns));
  return std::max(widest + kBetween, kNarrowest);
}

/// Columns left for names when everything else is shown, but never too few to tell them apart.
std::size_t name_width(const std::vector<Line>& lines, std::size_t left, std::size_t room) {
  std::array<std::size_t, 3> widest{5, 8, 3};  // of the headers
  for (const Line& line : lines)
    for (std::size_t i = 0; i < widest.size(); ++i)
      widest[i] = std::max(widest[i], display_width(line.cells[i]));
  const std::size_t rest = left + widest[0] + widest[1] + widest[2] + 3 * kBetween;
  return std::max(room - std::min(room, rest), kShortestName);
}

void add_node(const StatusNode& node, std::map<std::string, StatusNode>& out) {
  for (const StatusNode& child : node.children) add_node(child, out);
  StatusNode alone = node;
  alone.children.clear();
  out.insert_or_assign(node.ns + "/" + node.what.words(), std::move(alone));
}

}  // namespace

std::vector<std::string> status_lines(const std::vector<StatusNode>& roots, const StatusLook& look,
                                      WallTime now) {
  std::vector<Line> lines;
  for (const StatusNode& root : roots) add_lines(root, "", "", look, now, lines);
  const std::size_t room = look.width == 0 ? 0 : look.width - 1;
  const std::size_t left = namespace_width(lines, look);
  const std::size_t names = room == 0 ? SIZE_MAX : name_width(lines, left, room);
  std::vector<std::string> columns{"NAME", "STAGE", "PROGRESS", "AGE"};
  if (look.namespaces) columns.insert(columns.begin(), "NAMESPACE");
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    const std::size_t taken = display_width(line.before);
    std::vector<std::string> cells{line.before + shortened(line.name, names - std::min(names, taken))};
    cells.insert(cells.end(), line.cells.begin(), line.cells.end());
    if (look.namespaces) cells.insert(cells.begin(), line.ns);
    rows.push_back(std::move(cells));
  }
  std::vector<std::string> drawn = split(render::table(columns, rows, look.headers), '\n');
  drawn.pop_back();  // what stands behind the last line break
  std::vector<std::string> out;
  std::size_t row = 0;
  if (look.headers) out.push_back(drawn[row++]);
  for (const Line& line : lines) {
    out.push_back(drawn[row++]);
    for (std::string& text : indented_cause(line, left, room, look)) out.push_back(std::move(text));
  }
  if (room > 0)
    for (std::string& line : out) line = fit(line, room);
  return out;
}

Json node_json(const StatusNode& node) {
  const Gvr gvr = gvr_of(node.what.kind);
  Json out = Json::object();
  out["kind"] = gvr.kind.empty() ? "Operation" : gvr.kind;
  if (!gvr.group.empty()) out["group"] = gvr.group;
  out["namespace"] = node.ns;
  out["name"] = node.what.name;
  out["state"] = state_word(node.state);
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) out[key] = value;
  };
  set("stage", node.stage);
  set("detail", node.detail);
  set("cause", node.cause);
  set("since", node.since);
  set("operation", node.operation);
  if (node.fraction) out["fraction"] = *node.fraction;
  return out;
}

Json status_json(const std::vector<StatusNode>& roots, const std::vector<std::string>& unreadable) {
  const auto with_children = [](const auto& self, const StatusNode& node) -> Json {
    Json out = node_json(node);
    if (!node.children.empty()) out["children"] = Json::array();
    for (const StatusNode& child : node.children) out["children"].push_back(self(self, child));
    return out;
  };
  Json list = Json::object();
  list["apiVersion"] = "vm.novasphere.dev/v1alpha1";
  list["kind"] = "StatusList";
  list["items"] = Json::array();
  for (const StatusNode& root : roots) list["items"].push_back(with_children(with_children, root));
  list["unreadable"] = unreadable;
  return list;
}

std::string change_line(const StatusNode& node, bool with_namespace) {
  std::string line = with_namespace ? node.ns + " " : "";
  line += fmt::format("{}: {}", node.what.words(), node.stage);
  if (const std::string progress = progress_cell(node); !progress.empty()) line += ", " + progress;
  if (!node.cause.empty()) line += ": " + node.cause;
  return printable(line);
}

std::map<std::string, StatusNode> flattened(const std::vector<StatusNode>& roots) {
  std::map<std::string, StatusNode> out;
  for (const StatusNode& root : roots) add_node(root, out);
  return out;
}

}  // namespace wukong::commands
