#!/usr/bin/python3 -B
"""Runs the scenarios: kubectl-wukong, as a user starts it, against a control plane.

    tests/scenarios/run.py --binary PATH --proxy PATH --sandbox PATH    starts simulated clusters for itself, and ends them
    cluster exec tests/scenarios/run.py --binary PATH --proxy PATH      on the real one that tests/cluster has started

One line per scenario, with seconds, or why it is skipped on this side; the last line counts. Each scenario works in a namespace
of its own and removes it. Exit codes and words in them are those of the manual: 0 done, 1 failed, 2 usage, 3 refused, 4 no way in,
5 timed out. PATH of --proxy: wukong-fault-proxy.
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import queue
import re
import signal
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from lab import Wrong  # noqa: E402
from lab.case import Case  # noqa: E402
from lab.program import Plugin  # noqa: E402
from lab.registry import SCENARIOS, in_order  # noqa: E402
from lab.sides import Cluster, Sandbox  # noqa: E402


def hear_signals():
    """What this program ignores, as under nohup, the programs that it starts would ignore, too; what it hears, they end by."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def load_scenarios():
    for path in sorted([*HERE.glob('*.py'), *HERE.glob('*/*.py')]):
        parts = path.relative_to(HERE).with_suffix('').parts
        if parts != ('run',) and parts[0] != 'lab':
            importlib.import_module('.'.join(parts))


class Report:
    """Lines as they come, and the count."""

    def __init__(self, verbose):
        self.verbose, self.passed, self.failed, self.skipped, self._lock = verbose, [], [], [], threading.Lock()

    def skip(self, scenario, why):
        self.skipped.append(scenario)
        print(f'skip            {scenario.name}: {why}', flush=True)

    def add(self, scenario, seconds, problem, runs):
        with self._lock:
            (self.failed if problem else self.passed).append(scenario)
            print(f'{"FAIL" if problem else "ok  "} {seconds:6.1f} s   {scenario.name}', flush=True)
            if self.verbose:
                print(''.join(map(str, runs)), flush=True)
            if problem:
                print('    ' + problem.strip().replace('\n', '\n    '), flush=True)

    def count(self):
        return f'{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped'


def start_sides(options):
    """One for each scenario that runs at a time. A sandbox looks at all of its objects whenever one changes: with one for all, they
    would keep each other waiting."""
    if not options.sandbox:
        return [Cluster(os.environ['CLUSTER_STATE'])] * options.jobs
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(Sandbox, [options.sandbox] * options.jobs))


def run_one(scenario, side, plugin, options, report):
    started, problem, runs = time.monotonic(), '', []
    try:
        with Case(scenario.name, side, plugin, options.proxy) as t:
            runs = t.runs
            scenario.function(t)
    except Wrong as wrong:
        problem = str(wrong)
    except Exception:  # of the scenario or the cluster: told as a failure, the others go on
        problem = traceback.format_exc()
    report.add(scenario, time.monotonic() - started, problem, runs)


def run_all(chosen, sides, plugin, options, report):
    free = queue.Queue()
    for side in sides:
        free.put(side)

    def run(scenario):
        side = free.get()
        run_one(scenario, side, plugin, options, report)
        free.put(side)

    runnable = []
    for scenario in chosen:
        if why := sides[0].missing(scenario.needs):
            report.skip(scenario, why)
        else:
            runnable.append(scenario)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(run, in_order(s for s in runnable if not s.alone)))
    for scenario in in_order(s for s in runnable if s.alone):
        run(scenario)
    if options.again:
        for scenario in report.failed.copy():
            print(f'again, alone: {scenario.name}', flush=True)
            report.failed.remove(scenario)
            run(scenario)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', help='kubectl-wukong')
    parser.add_argument('--proxy', help='wukong-fault-proxy')
    parser.add_argument('--sandbox', help='wukong-sandbox; without it, the real control plane of $CLUSTER_STATE')
    parser.add_argument('--only', default='', help='scenarios whose name matches')
    parser.add_argument('--jobs', type=int, default=8)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--again', action='store_true', help='one that fails among others has a second try alone, and both are told')
    parser.add_argument('--verbose', action='store_true', help='what every run printed')
    options = parser.parse_args()
    if not options.list and not (options.binary and options.proxy):
        parser.error('--binary and --proxy are needed')
    if not options.list and not options.sandbox and 'CLUSTER_STATE' not in os.environ:
        parser.error('give --sandbox, or run this in tests/cluster/cluster exec')
    return options


def main():
    options, began = arguments(), time.monotonic()
    # As Ctrl-C does, so that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hear_signals()
    load_scenarios()
    chosen = [s for s in SCENARIOS.values() if re.search(options.only, s.name)]
    if options.list:
        print('\n'.join(s.name for s in chosen))
        return 0
    sides, plugin, report = start_sides(options), Plugin(options.binary), Report(options.verbose)
    try:
        run_all(chosen, sides, plugin, options, report)
    finally:
        plugin.discard()
        for side in set(sides):
            side.end()
    print(f'scenarios.{sides[0].name}: {report.count()}, {time.monotonic() - began:.0f} s')
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main())
