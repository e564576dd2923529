// The progress model: what a running operation shows. The runner writes it, render turns it into text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/view.h"

namespace wukong {

/// One line of progress: a target, which the user asked for, or a step towards them.
struct Row {
  enum class State { waiting, running, done, failed, skipped };
  std::string name{};
  bool helper{};  // no target: shown, but not counted
  State state{State::waiting};
  std::string stage{};               // "Snapshotting"
  std::string detail{};              // "1 of 2 volumes bound"
  std::optional<double> fraction{};  // 0 to 1, only where an object tells it
  std::string trouble{};             // a problem that is being retried, or why the row failed
  std::optional<Time> started{};
  std::optional<Time> ended{};
};

/// A running operation. `revision` grows with every change, so that an unchanged one is not drawn again.
struct Progress {
  std::string title{};
  std::vector<Row> rows{};
  std::string connection{};                // why the cluster cannot be heard at present; empty while it can
  std::optional<Time> connection_since{};  // since when, if that is known
  std::string phase{};                     // "undoing", "tidying up"; empty in the main part
  std::size_t revision{};
};

/// The rows that count.
inline std::vector<const Row*> targets(const Progress& progress) {
  std::vector<const Row*> found;
  for (const Row& row : progress.rows)
    if (!row.helper) found.push_back(&row);
  return found;
}

}  // namespace wukong
