// Steps, phases and endings in words: for plans, for progress, and for what is told at the end.
#pragma once

#include <optional>
#include <string>

#include "op/operation.h"
#include "op/runner.h"

namespace wukong::op {

/// What a step is doing while it is carried out: "Creating VirtualMachine".
std::string stage_word(const Action& action);
/// What a step will do: "create VirtualMachine default/web".
std::string plan_words(const Action& action);
/// What it works on: "VirtualMachine default/web".
std::string target_name(const Action& action);
/// "undoing"; "" for the main phase.
std::string phase_word(Phase phase);
/// A step in the list of what could not be done. A check already tells what it is about.
std::string left_line(const Step& step, const Error& error);
/// The error that an operation over `rows` targets ends with, from all that is known of it otherwise.
std::optional<Error> ending(const Outcome& outcome, const std::string& title, std::size_t rows);

}  // namespace wukong::op
