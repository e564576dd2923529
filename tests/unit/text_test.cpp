#include "base/text.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace wukong {
namespace {

const std::vector<std::string> kSamples{"",
                                        "web-01",
                                        "漢字かな",
                                        "e\u0301te\u0301",
                                        "\U0001F680 go",
                                        "\U0001F468\u200D\U0001F469\u200D\U0001F467",
                                        "\U0001F1E9\U0001F1EA\U0001F1EB",
                                        "❤\uFE0F x",
                                        "\U0001F44D\U0001F3FD!",
                                        "mixed 漢 e\u0301 \U0001F680 end",
                                        "\xff\xfe bad \xc3",
                                        "\u0301\u0301"};

TEST_CASE("display_width: columns on a terminal") {
  CHECK(display_width("") == 0);
  CHECK(display_width("web-01") == 6);
  CHECK(display_width("漢字") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("\U0001F680") == 2);
  CHECK(display_width("\U0001F468\u200D\U0001F469\u200D\U0001F467") == 2);
  CHECK(display_width("\U0001F1E9\U0001F1EA") == 2);
  CHECK(display_width("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7") == 4);
  CHECK(display_width("\U0001F44D\U0001F3FD") == 2);
  CHECK(display_width("…█░✓") == 4);  // ambiguous width counts as one
  CHECK(display_width("\xff") == 1);
}

TEST_CASE("fit: never wider than asked, untouched where it fits") {
  CHECK(fit("web-server", 6) == "web-s…");
  CHECK(fit("web-server", 10) == "web-server");
  CHECK(fit("漢字かな", 4) == "漢…");
  CHECK(fit("漢字", 1) == "…");
  CHECK(fit("x", 0) == "");
  CHECK(fit("e\u0301e\u0301e\u0301", 2) == "e\u0301…");
  for (const std::string& sample : kSamples)
    for (std::size_t columns = 0; columns < 24; ++columns) {
      CAPTURE(sample);
      CAPTURE(columns);
      const std::string cut = fit(sample, columns);
      CHECK(display_width(cut) <= columns);
      CHECK((cut == sample) == (display_width(sample) <= columns));
    }
}

TEST_CASE("pad: to a width, never cutting") {
  CHECK(pad("ab", 4) == "ab  ");
  CHECK(pad("漢", 4) == "漢  ");
  CHECK(pad("abcdef", 4) == "abcdef");
}

TEST_CASE("printable: nothing that moves a cursor or turns text around") {
  CHECK(printable("plain ü 漢 \U0001F680") == "plain ü 漢 \U0001F680");
  CHECK(printable("a\x1b[31mred\x1b]0;t\x07") == "a[31mred]0;t");
  CHECK(printable("a\nb\tc\r\nd\re") == "a b c d e");
  CHECK(printable("a\x7f\u009b\u0085z") == "az");
  CHECK(printable("\u202Eevil\u202C\u2066x\u2069\u200E\u200F\u061C") == "evilx");
  CHECK(printable(std::string_view("a\0b", 3)) == "ab");
  CHECK(printable("a\xff\xc3") == "a\uFFFD\uFFFD");
  CHECK(printable("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(printable("\xc0\x80").find('\0') == std::string::npos);
  CHECK(printable_lines("a\r\nb\nc\td\x1b") == "a\nb\nc d");
}

TEST_CASE("printable: any bytes become clean UTF-8, and stay as they are the second time") {
  std::mt19937 random(2);  // NOLINT(cert-msc51-cpp): the same bytes in every run
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random() % 256);
    const std::string once = printable(bytes);
    CHECK(printable(once) == once);
    for (const char c : once) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    CHECK(display_width(fit(bytes, 10)) <= 10);
  }
}

TEST_CASE("edit_distance: a metric over small edits") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("clone", "clone") == 0);
  CHECK(edit_distance("clone", "clnoe") == 1);
  CHECK(edit_distance("clone", "clon") == 1);
  CHECK(edit_distance("clone", "clones") == 1);
  CHECK(edit_distance("clone", "clune") == 1);
  CHECK(edit_distance("ca", "abc") == 3);  // a swapped pair is not edited again
  const std::vector<std::string> words{"", "a", "ab", "ba", "abc", "snapshot", "snpashot", "restore"};
  for (const std::string& a : words)
    for (const std::string& b : words) {
      CHECK(edit_distance(a, b) == edit_distance(b, a));
      CHECK((edit_distance(a, b) == 0) == (a == b));
    }
}

TEST_CASE("closest: within a third of the word") {
  const std::vector<std::string> commands{"clone", "snapshot", "restore"};
  CHECK(closest("clnoe", commands) == "clone");
  CHECK(closest("snpashto", commands) == "snapshot");
  CHECK(closest("clone", commands) == "clone");
  CHECK(closest("xyz", commands) == "");
  CHECK(closest("", commands) == "");
  CHECK(closest("clone", {}) == "");
}

TEST_CASE("split, trim, lower") {
  CHECK(split("a,b,,c", ',') == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split(",", ',') == std::vector<std::string>{"", ""});
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("   ") == "");
  CHECK(trim("") == "");
  CHECK(lower("VirtualMachine-Ä9") == "virtualmachine-Ä9");
}

TEST_CASE("names that Kubernetes accepts") {
  for (const std::string& good : {std::string("a"), std::string("web-01"), std::string("a.b-c.d9"),
                                  std::string("0"), std::string(253, 'a')})
    CHECK(subdomain_problem(good) == "");
  for (const std::string& bad :
       {std::string(), std::string("A"), std::string("-a"), std::string("a-"), std::string("a..b"),
        std::string(".a"), std::string("a."), std::string("a_b"), std::string("a/b"), std::string("é"),
        std::string("a\0", 2), std::string(254, 'a')})
    CHECK(subdomain_problem(bad) != "");
  CHECK(label_problem(std::string(63, 'a')) == "");
  CHECK(label_problem(std::string(64, 'a')) != "");
  CHECK(label_problem("a.b").find('.') == std::string::npos);
  CHECK(label_problem("a.b") != "");
  CHECK(label_problem("") == "must not be empty");
}

}  // namespace
TEST_CASE("shell_word: what a shell takes for one word") {
  CHECK(shell_word("web-1") == "web-1");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's") == R"('it'\''s')");
  CHECK(shell_word("$(x)") == "'$(x)'");
}

TEST_CASE("front_rune: one code point, or one byte that is none") {
  CHECK(front_rune("ä…").bytes == 2);
  CHECK(front_rune("\xF0\x9F\x98\x80").code == 0x1F600);
  for (const char* bad : {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    CHECK_FALSE(front_rune(bad).valid);
    CHECK(front_rune(bad).bytes == 1);
    CHECK(front_rune(bad).code == 0xFFFD);
  }
}

}  // namespace wukong
