"""A whole Django site in one file, for gunicorn: app:application."""
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "only-for-this-sample"),
)


def hello(request):
    return HttpResponse(f"Hello {os.environ.get('TARGET', 'World')} from Django!\n", content_type="text/plain")


urlpatterns = [path("", hello)]
application = get_wsgi_application()
