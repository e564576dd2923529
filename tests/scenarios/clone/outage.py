"""The server goes away, or says nothing any more."""
import time

from clone.fixtures import slow_clone
from lab import Wrong, printed, scenario, until


@scenario(seconds=35)
def server_gone_from_the_start(t):
    t.source()
    proxy = t.proxy()
    proxy.cut()
    t.clone('src', 'copy', '--wait', through=proxy).expect(4, r'127\.0\.0\.1', no=['internal'], within=60)


@scenario
def server_gone_and_short_patience(t):
    proxy = t.proxy()
    proxy.cut()
    t.clone('src', 'copy', '--wait', '--request-timeout', '3s', through=proxy).expect(4, within=25)
    t.clone('src', 'copy', '--wait', '--timeout', '3s', through=proxy).expect(4, within=25)


@scenario
def server_hangs_and_short_patience(t):
    proxy = t.proxy()
    proxy.hang()
    t.clone('src', 'copy', '--wait', '--request-timeout', '3s', through=proxy).expect(4, within=25)


@scenario(seconds=35)
def server_hangs_from_the_start(t):
    proxy = t.proxy()
    proxy.hang()
    t.clone('src', 'copy', '--wait', through=proxy, seconds=120).expect(4, within=90)


def outage(t, fail, words):
    proxy = t.proxy()
    child, before = slow_clone(t, through=proxy)
    child.until_says('Restoring')
    fail(proxy)
    t.hurry()
    time.sleep(20)
    if child.ended():
        raise Wrong(f'ended in the outage\n{child.end()}')
    proxy.open()
    child.end(120).expect(0, r'copy +Stopped +2 bound', *words)
    t.expect_only(before, 'copy')
    t.expect_same_content('src', 'copy')


@scenario(seconds=35)
def server_gone_for_a_while(t):
    # "reachable again" is said only where something is left to wait for: all streams come back at once, and KubeVirt may be done.
    outage(t, lambda proxy: proxy.cut(), ['not reachable'])


@scenario(seconds=35)
def server_hangs_for_a_while(t):
    outage(t, lambda proxy: proxy.hang(), [])  # nothing tells a silent connection from a quiet one so soon


@scenario(needs=['kubectl'], seconds=30)
def server_gone_for_good(t):
    proxy = t.proxy()
    child, _ = slow_clone(t, '--timeout', '20s', through=proxy)
    proxy.cut()
    t.hurry()
    run = child.end().expect(5, 'timed out after 20s', 'copy', 'left in place', no=['reachable again'], within=60)
    until('the clone goes on in the cluster', lambda: t.vm('copy') and t.bound('copy'))
    t.shell(printed(run, 'to go on with it')).expect(0)


@scenario
def another_server_in_between(t):
    """Whoever answers without a certificate of the cluster is not spoken to."""
    stranger = t.proxy('tls')
    t.clone('src', 'copy', '--server', f'https://127.0.0.1:{stranger.port}').expect(4, '(?i)certificate', within=25)
