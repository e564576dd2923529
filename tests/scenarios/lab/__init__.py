"""What scenarios have at hand. A scenario is a function with one argument, its Case (lab/case.py), under @scenario."""
from lab import manifests
from lab.checks import Wrong, check, until
from lab.manifests import CLOUD_INIT, CONTAINER_DISK, on_claim
from lab.program import printed
from lab.registry import scenario

__all__ = ['CLOUD_INIT', 'CONTAINER_DISK', 'Wrong', 'check', 'manifests', 'on_claim', 'printed', 'scenario', 'until']
