"""A small Django application in one file, to be dumped: models, queries, templates, requests through the test client.

    python shop.py OUT.gcheap.gz [--requests N] [--leak] [--method fork|here]

It serves requests with the collector off, so that their cyclic garbage is there when it dumps itself. `--leak` plants two
leaks: each request is remembered in a list of this module, and each order's audit in a list of its own class.
"""

import argparse
import gc
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import django
from django.conf import settings
from django.db import connection, models
from django.http import Http404, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

import gclab_dump

TEMPLATE = """<html><body><h1>{{ title|title }}</h1><ul>
{% for order in orders %}<li class="{% cycle 'odd' 'even' %}">{{ order.customer.name }}: {{ order.lines.count }} lines,
{{ order.total|floatformat:2 }}</li>{% empty %}<li>nothing</li>{% endfor %}</ul></body></html>"""

settings.configure(
    SECRET_KEY="not a secret",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()


class Customer(models.Model):
    name = models.CharField(max_length=80)

    class Meta:
        app_label = "shop"


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "shop"

    @property
    def total(self):
        return sum(line.price * line.quantity for line in self.lines.all())


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    name = models.CharField(max_length=80)
    price = models.FloatField()
    quantity = models.IntegerField()

    class Meta:
        app_label = "shop"


# The planted leaks. Both are common: a list for debugging that nobody empties, and a class that knows its instances.
remembered_requests = []


class LeakyObject:
    """The audit of an order, kept for ever by the class."""

    instances = []

    def __init__(self, order):
        self.order = order
        self.note = "order %d" % order.pk
        LeakyObject.instances.append(self)


leaking = False


def index(request):
    if leaking:
        remembered_requests.append(request)
    orders = Order.objects.select_related("customer").prefetch_related("lines").order_by("-pk")[:10]
    request.session["seen"] = request.session.get("seen", 0) + 1
    template = engines["django"].from_string(TEMPLATE)
    return HttpResponse(template.render({"title": "latest orders", "orders": orders}, request))


def detail(request, number):
    try:
        order = Order.objects.get(pk=number)
    except Order.DoesNotExist as error:
        raise Http404("no such order") from error
    if leaking:
        LeakyObject(order)
    lines = list(order.lines.values("name", "price", "quantity"))
    return JsonResponse({"customer": order.customer.name, "lines": lines, "total": order.total})


def add(request):
    given = json.loads(request.body)
    customer, _ = Customer.objects.get_or_create(name=given["customer"])
    order = Order.objects.create(customer=customer)
    Line.objects.bulk_create(Line(order=order, **line) for line in given["lines"])
    return JsonResponse({"order": order.pk}, status=201)


urlpatterns = [path("", index), path("order/<int:number>/", detail), path("order/", add)]


def serve(requests):
    from django.test import Client

    client = Client()
    for number in range(requests):
        lines = [{"name": "thing %d" % line, "price": 1.5 * line, "quantity": line} for line in range(1, 4)]
        order = {"customer": "customer %d" % (number % 7), "lines": lines}
        answer = client.post("/order/", json.dumps(order), content_type="application/json")
        assert answer.status_code == 201, answer.content
        assert client.get("/").status_code == 200
        assert client.get("/order/%d/" % answer.json()["order"]).json()["total"] == 21.0
        assert client.get("/order/999999/").status_code == 404


def main():
    global leaking
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--leak", action="store_true")
    parser.add_argument("--method", choices=["fork", "here"])
    given = parser.parse_args()
    del parser
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    with connection.schema_editor() as editor:
        for model in (Customer, Order, Line):
            editor.create_model(model)
    serve(10)
    gc.collect()
    gc.disable()
    leaking = given.leak
    serve(given.requests)
    meta = {"app": "shop, django " + django.get_version(), "requests_with_gc_off": 4 * given.requests}
    told = gclab_dump.dump(given.out, method=given.method, meta=meta)
    print(json.dumps({**told, "python": sys.version.split()[0], "django": django.get_version()}))


if __name__ == "__main__":
    main()
