"""Plugin hosts, as the executor drives them: `PluginHosts` implements `ports.Hosts`."""

from services.executor.hosts.options import HostOptions
from services.executor.hosts.plugin_hosts import PluginHosts
from services.executor.hosts.sandbox import SandboxUnavailable

__all__ = ["HostOptions", "PluginHosts", "SandboxUnavailable"]
