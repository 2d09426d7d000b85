"""The host application's `apps.channels`; its models need Django, which is made ready here where it is not yet."""

from plugarr_host.django_ready import ready

ready()
