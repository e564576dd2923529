#include "kube/yaml_tree.h"

#include <fmt/format.h>
#include <yaml.h>

#include <map>
#include <optional>

namespace wukong::kube {
namespace {

constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxNodes = 200'000;

std::string owned(const yaml_char_t* text) {
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  bool read(yaml_parser_t& parser) {
    yaml_event_delete(&event_);
    return yaml_parser_parse(&parser, &event_) == 1;
  }
  const yaml_event_t& operator*() const { return event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

/// libyaml counts characters; this finds the bytes. Asked for places in rising order, it walks the text once.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) byte_ = 3;  // not counted
  }
  std::size_t byte(std::size_t character) {
    if (character < character_) {
      character_ = 0;
      byte_ = text_.starts_with("\xef\xbb\xbf") ? 3 : 0;
    }
    while (character_ < character && byte_ < text_.size()) {
      ++byte_;
      while (byte_ < text_.size() && (static_cast<unsigned char>(text_[byte_]) & 0xC0U) == 0x80) ++byte_;
      ++character_;
    }
    return byte_;
  }

 private:
  std::string_view text_;
  std::size_t character_{};
  std::size_t byte_{};
};

class Composer {
 public:
  explicit Composer(std::string_view text) : text_(text), places_(text) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (ready_)
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
  }
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;
  ~Composer() {
    if (ready_) yaml_parser_delete(&parser_);
  }

  Result<YamlTree> compose() {
    if (!ready_) return yaml_error(0, "no memory to read it");
    while (true) {
      WUKONG_CHECK(next());
      if (event_->type == YAML_STREAM_END_EVENT) return std::move(tree_);
      if (event_->type == YAML_DOCUMENT_START_EVENT) break;
    }
    WUKONG_CHECK(next());
    WUKONG_TRY(tree_.root, node(0));
    WUKONG_CHECK(next());
    if (event_->type != YAML_DOCUMENT_END_EVENT) return yaml_error(event_->start_mark.line + 1, "not YAML");
    return std::move(tree_);
  }

 private:
  Result<void> next() {
    if (event_.read(parser_)) return {};
    return yaml_error(parser_.problem_mark.line + 1,
                      parser_.problem == nullptr ? "not YAML" : parser_.problem);
  }

  Result<std::size_t> node(std::size_t depth) {
    if (event_->type == YAML_ALIAS_EVENT) return alias();
    if (depth > kMaxDepth) return yaml_error(event_->start_mark.line + 1, "nested too deeply");
    if (tree_.nodes.size() >= kMaxNodes) return yaml_error(event_->start_mark.line + 1, "too many values");
    const std::size_t index = tree_.nodes.size();
    tree_.nodes.push_back({.begin = places_.byte(event_->start_mark.index),
                           .end = places_.byte(event_->end_mark.index),
                           .line = event_->start_mark.line + 1});
    if (event_->type == YAML_SCALAR_EVENT) {
      scalar(index);
      return index;
    }
    const bool mapping = event_->type == YAML_MAPPING_START_EVENT;
    if (!mapping && event_->type != YAML_SEQUENCE_START_EVENT)
      return yaml_error(event_->start_mark.line + 1, "not YAML");
    WUKONG_CHECK(collection(index, mapping, depth));
    return index;
  }

  void scalar(std::size_t index) {
    YamlNode& node = tree_.nodes[index];
    const auto& scalar = event_->data.scalar;
    node.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    node.tag = owned(scalar.tag);
    // libyaml drops the tag "!", which says: text.
    const bool bare_mark = node.tag.empty() && node.begin < text_.size() && text_[node.begin] == '!';
    node.plain = node.tag.empty() && scalar.plain_implicit != 0 && !bare_mark &&
                 scalar.style == YAML_PLAIN_SCALAR_STYLE;
    remember(scalar.anchor, index);
  }

  Result<void> collection(std::size_t index, bool mapping, std::size_t depth) {
    YamlNode& node_now = tree_.nodes[index];
    node_now.kind = mapping ? YamlNode::Kind::mapping : YamlNode::Kind::sequence;
    node_now.flow = mapping ? event_->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                            : event_->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    node_now.tag = owned(mapping ? event_->data.mapping_start.tag : event_->data.sequence_start.tag);
    const std::string anchor =
        owned(mapping ? event_->data.mapping_start.anchor : event_->data.sequence_start.anchor);
    if (!anchor.empty()) anchors_.insert_or_assign(anchor, std::nullopt);  // not to be used inside of itself
    while (true) {
      WUKONG_CHECK(next());
      if (event_->type == YAML_MAPPING_END_EVENT || event_->type == YAML_SEQUENCE_END_EVENT) break;
      WUKONG_TRY(const std::size_t first, node(depth + 1));
      if (!mapping) {
        tree_.nodes[index].items.push_back(first);
        continue;
      }
      WUKONG_CHECK(next());
      WUKONG_TRY(const std::size_t second, node(depth + 1));
      tree_.nodes[index].entries.emplace_back(first, second);
    }
    tree_.nodes[index].end = places_.byte(event_->end_mark.index);
    if (!anchor.empty()) anchors_.insert_or_assign(anchor, index);
    return {};
  }

  void remember(const yaml_char_t* anchor, std::size_t index) {
    if (anchor != nullptr) anchors_.insert_or_assign(owned(anchor), index);
  }

  Result<std::size_t> alias() {
    const auto found = anchors_.find(owned(event_->data.alias.anchor));
    if (found == anchors_.end())
      return yaml_error(event_->start_mark.line + 1, "an alias stands for nothing");
    if (!found->second) return yaml_error(event_->start_mark.line + 1, "an alias contains itself");
    return *found->second;
  }

  std::string_view text_;
  Places places_;
  yaml_parser_t parser_{};
  bool ready_{};
  Event event_{};
  YamlTree tree_{};
  std::map<std::string, std::optional<std::size_t>> anchors_{};
};

}  // namespace

Result<YamlTree> parse_yaml(std::string_view text) { return Composer(text).compose(); }

Error yaml_error(std::size_t line, std::string_view why) {
  return usage(line == 0 ? std::string(why) : fmt::format("line {}: {}", line, why));
}

}  // namespace wukong::kube
