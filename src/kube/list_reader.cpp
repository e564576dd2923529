#include "kube/list_reader.h"

namespace wukong::kube {
namespace {

constexpr std::string_view kItems = "items";

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void ListReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (!problem_.empty()) return;
    switch (place_) {
      case Place::outside:
        take_outside(c);
        break;
      case Place::between_items:
        take_between(c);
        break;
      case Place::in_item:
        take_item(c);
        break;
    }
  }
}

bool ListReader::in_text(char c) {
  if (!in_string_) {
    in_string_ = c == '"';
    return in_string_;
  }
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
  }
  return true;
}

void ListReader::take_outside(char c) {
  shell_ += c;
  const bool begins = !in_string_ && c == '"';
  if (in_text(c)) {
    if (depth_ != 1) return;
    if (begins) key_.clear();
    // With the quotes: "items" has seven.
    if (key_.size() <= kItems.size() + 2) key_ += c;
    return;
  }
  if (c == '[' && depth_ == 1 && !found_ && key_ == "\"items\"") {
    place_ = Place::between_items;
    found_ = true;
    comma_due_ = false;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if ((c == '}' || c == ']') && depth_ > 0) {
    --depth_;
  }
}

void ListReader::take_between(char c) {
  if (is_blank(c)) return;
  if (c == ']' && !item_due_) {
    shell_ += c;
    place_ = Place::outside;
    return;
  }
  if (comma_due_ != (c == ',') || c == ']') {
    problem_ = "not JSON: items without a comma between them";
    return;
  }
  comma_due_ = false;
  item_due_ = c == ',';
  if (item_due_) return;
  place_ = Place::in_item;
  depth_ = 0;
  take_item(c);
}

void ListReader::take_item(char c) {
  if (!in_text(c)) {
    if (depth_ == 0 && (c == ',' || c == ']')) {
      end_item();
      return take_between(c);
    }
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0) --depth_;
  }
  item_ += c;
}

void ListReader::end_item() {
  auto parsed = parse_json(item_, keep_, Envelope::object);
  item_.clear();
  if (!parsed) problem_ = parsed.error().message;
  // parse_json drops what is no object where a projection stands.
  const bool kept = parsed && (keep_.keep.empty() || parsed->is_structured());
  if (kept) items_.push_back(std::move(*parsed));
  comma_due_ = true;
  depth_ = 1;
  place_ = Place::between_items;
}

Result<Json> ListReader::finish() {
  if (!problem_.empty()) return Error{.message = problem_};
  if (shell_.empty()) return Json();
  WUKONG_TRY(Json list, parse_json(shell_, keep_, Envelope::list));
  if (found_) list["items"] = std::move(items_);
  return list;
}

}  // namespace wukong::kube
