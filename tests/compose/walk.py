"""Runs what the compose file starts as plain processes, each with the command and the environment it has there.

Only what a machine without containers lacks is replaced: names of hosts by ports of this one, secrets by files, the
event store by a file. Then a person is registered, signs in, opens an account, and finds it: through the API, the
event store, the projector of READ and back. A collector is sent one trace of that by all three processes.
"""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import monitoring

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
PORTS = {
    "postgres_db_write": ["5436:5432"],
    "postgres_db_read": ["5438:5432"],
    "eventstore": ["2113:2113"],
    "minio": ["9000:9000", "9001:9001"],
}
# What the object store of the tests knows.
OBJECT_STORE_KEY = ("registry", "what only the object store and the registry know")


def main(programs: Path) -> None:
    compose = YAML(typ="safe").load(ROOT / "compose.override.yml")
    services = compose["services"]
    check_files(services)
    check_build()
    check_secrets(compose)
    monitoring.check(ROOT)
    for service, ports in PORTS.items():
        published = [one.removeprefix("127.0.0.1:") for one in services[service]["ports"]]
        assert published == ports, f"{service} is published at {published}, not {ports}"
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(programs, Path(folder), services)
        try:
            stack.walk()
        finally:
            stack.stop()


def check_files(services: dict[str, Any]) -> None:
    """Each file of this project that a container is made from or given is there."""
    for name, service in services.items():
        if "build" in service:
            build = service["build"]
            assert (ROOT / build["context"] / build["dockerfile"]).is_file(), f"{name} is built from {build}"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), f"{name} is given {source}, which is not there"


def check_build() -> None:
    """The images are made of all of this workspace, by the compiler that tests use."""
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    members = re.search(r"^members = \[(.*)\]", (ROOT / "Cargo.toml").read_text(), re.M)
    for member in re.findall(r'"(\w+)', members[1] if members else ""):
        assert f"!{member}" in ignored, f".dockerignore leaves out {member}"
    channel = re.search(r'^channel = "(.+)"', (ROOT / "rust-toolchain.toml").read_text(), re.M)
    image = f"FROM rust:{channel[1] if channel else None}-bookworm "
    assert image in (ROOT / "registry/deploy/Dockerfile").read_text(), f"the Dockerfile does not say {image}"


def check_secrets(compose: dict[str, Any]) -> None:
    """A secret is in a file that the service is given, and in no environment."""
    example = (ROOT / ".env.example").read_text()
    for secret, source in compose["secrets"].items():
        assert list(source) == ["file"], f"{secret} is taken from {source}"
        assert secret in example, f"{secret} is not in .env.example"
    for name, service in compose["services"].items():
        given = {f"/run/secrets/{secret}" for secret in service.get("secrets", [])}
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|EVENT_STORE__URL", variable):
                assert variable.endswith("_FILE") and value in given, f"{name}: {variable} is {value}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def filled_in(text: str, variables: dict[str, str]) -> str:
    """`${NAME:-default}`, as compose reads it."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda found: variables.get(found[1], found[2] or ""), text)


class Collector(ThreadingHTTPServer):
    """Takes traces as OTLP over HTTP, and keeps each message as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.messages: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def has(self, *parts: bytes) -> bool:
        """Whether one message has all of these: identifiers are in it as bytes, names as text."""
        return any(all(part in message for part in parts) for message in self.messages)


class CollectorHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.messages.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Stack:
    def __init__(self, programs: Path, folder: Path, services: dict[str, Any]) -> None:
        self.programs, self.folder, self.services = programs, folder, services
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.api = f"http://127.0.0.1:{free_port()}"
        self.collector = Collector()

    def walk(self) -> None:
        self.databases = self.start_databases()
        self.run("migrate")
        # There are no events yet, which it waits for.
        self.start("projector-write")
        password = secrets.token_urlsafe(16)
        self.run(
            "registry",
            ["user", "create", "--role=admin", "--email=a@example.com", "--name=A", "--password-stdin"],
            password.encode(),
        )
        idle = self.health("projector-read")
        assert idle.returncode == 1 and b"no projector is at work" in idle.stdout, f"{idle}"
        self.start("projector-read")
        self.start("registry")
        self.eventually("the registry is ready", lambda: self.ask("/readyz")[0] == 200)
        form = f"username=a%40example.com&password={password}".encode()
        signed_in: dict[str, Any] = {}

        def sign_in() -> bool:
            status, body = self.ask("/auth/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
            signed_in.update(body)
            return status == 200

        self.eventually("the person signs in", sign_in)
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        account = json.dumps({"account_name": "A", "user_ids": [signed_in["user_id"]]}).encode()
        trace = secrets.token_bytes(16)
        traced = {**bearer, "Content-Type": "application/json", "traceparent": f"00-{trace.hex()}-{'1' * 16}-01"}
        status, opened = self.ask("/account/create", account, traced)
        assert status == 201, f"an account is opened: {status} {opened}"
        status, found = self.ask(f"/account/{opened['id']}", None, bearer)
        assert status == 200 and found["account_name"] == "A", f"the account is found: {status} {found}"
        for program, span in (
            (b"registry", b"POST /account/create"),
            (b"registry", b"decide"),
            (b"registry", b"append"),
            (b"projector", b"project to WRITE"),
            (b"projector", b"project to READ"),
        ):
            self.eventually(f"the collector has {span!r}", lambda: self.collector.has(trace, program, span))
        for name in ("projector-write", "projector-read"):
            healthy = self.health(name)
            assert healthy.returncode == 0, f"{name}: {healthy}"
        answers = [str(ROOT / "registry" / "deploy" / "answers"), self.api.rsplit(":", 1)[1]]
        subprocess.run([*answers, "/readyz"], check=True)
        subprocess.run(answers, check=True)
        assert subprocess.run([*answers, "/nowhere"], capture_output=True).returncode != 0
        assert subprocess.run([answers[0], str(free_port())], capture_output=True).returncode != 0
        for service in ("simulator", "gateway"):
            command = ["gateway", *self.services[service]["command"], "--help"]
            subprocess.run(self.command(command), check=True, capture_output=True)
        self.back_up_and_restore()
        self.back_up_to_object_store()
        self.check_dev()
        self.stop()

    def check_dev(self) -> None:
        """The event store of the profile `dev`, as the example has it, is refused unless the setting beside it is given."""
        example = (ROOT / ".env.example").read_text()
        (url,) = re.findall(r"echo '(\S+)' > event_store_url", example)
        (allowed,) = re.findall(r"^# GCR_ALLOW_UNSAFE=(\S+)", example, re.M)
        assert f"GCR_ALLOW_UNSAFE={allowed}" in (ROOT / "compose.override.yml").read_text(), allowed
        file = self.folder / "event_store_url_of_dev"
        file.write_text(url + "\n")
        assert set(json.loads(allowed)) == {"plain_database", "insecure_event_store", "plain_object_store"}, allowed
        check = [*self.of("registry"), "config", "--check"]
        for variables, is_taken in (({}, False), ({"GCR_ALLOW_UNSAFE": allowed}, True)):
            environment = self.environment("registry", variables) | {"GCR_EVENT_STORE__URL_FILE": str(file)}
            done = subprocess.run(check, env=environment, capture_output=True)
            assert (done.returncode == 0) == is_taken, done
            assert is_taken or b"insecure_event_store" in done.stderr, done
        # The file's own databases are on its own network: by their names there, they are allowed.
        given = self.services["registry"]["environment"]
        hosts = {f"GCR_DATABASE__{which}__HOST": given[f"GCR_DATABASE__{which}__HOST"] for which in ("WRITE", "READ")}
        for variables, is_taken in (({}, True), ({"GCR_ALLOW_UNSAFE": "[]"}, False)):
            environment = self.environment("registry", variables) | hosts
            done = subprocess.run(check, env=environment, capture_output=True)
            assert (done.returncode == 0) == is_taken, done
            assert is_taken or b"plain_database" in done.stderr, done

    def back_up_and_restore(self) -> None:
        """While all of it runs; then to a folder in which nothing is."""
        self.run("registry", ["config", "--check"])
        self.run("registry", ["doctor"])
        backup = str(self.folder / "backup")
        taken = self.run("registry", ["backup", f"--to={backup}"])
        restored = self.folder / "restored"
        self.run("registry", [f"--data-dir={restored}", "restore", f"--from={backup}"])
        again = self.run("registry", [f"--data-dir={restored}", "backup", f"--to={self.folder / 'again'}"])
        assert taken.split(b"keys:")[0] == again.split(b"keys:")[0], (taken, again)
        refused = self.refused("registry", [f"--data-dir={restored}", "restore", f"--from={backup}"])
        assert b"is there already" in refused, refused

    def back_up_to_object_store(self) -> None:
        """As the service does; over the network of containers only if told that it may go there in the clear."""
        refused = self.refused("backup", self.words("backup"))
        assert b"plain_object_store" in refused, refused
        bucket = [word.removeprefix("s3://").split("/")[0] for word in self.words("backup") if word.startswith("s3://")]
        made = self.services["minio-buckets"]["command"][0]
        assert all(f"store/{name}" in made for name in bucket), (bucket, made)
        folder = self.folder / "objects"
        folder.mkdir()
        serve = [str(self.programs / "object_store_server"), str(folder), *bucket]
        self.spawn("object store", serve, dict(os.environ))
        log = self.folder / "object store.log"
        self.eventually("the object store says where it is", lambda: log.read_text().endswith("\n"))
        secret = self.folder / "object_store_secret"
        secret.write_text(OBJECT_STORE_KEY[1] + "\n")
        there = {
            "GCR_OBJECT_STORE__ENDPOINT": log.read_text().strip(),
            "GCR_OBJECT_STORE__ACCESS_KEY_ID": OBJECT_STORE_KEY[0],
            "GCR_OBJECT_STORE__SECRET_ACCESS_KEY_FILE": str(secret),
        }
        taken = self.run("backup", given=there)
        again = self.run("backup", given=there)
        assert taken == again, (taken, again)
        places = [word for word in self.words("backup") if word.startswith("s3://")]
        restored = self.folder / "restored from objects"
        restore = [f"--data-dir={restored}", "restore", f"--from={places[0]}", f"--keys={places[1]}"]
        told = self.run("backup", restore, given=there)
        assert taken.split(b"keys:")[0] == told.split(b"keys of people:")[0], (taken, told)

    def health(self, service: str) -> subprocess.CompletedProcess[bytes]:
        test = self.services[service]["healthcheck"]["test"]
        assert test[0] == "CMD", test
        return subprocess.run(self.command(test[1:]), env=self.environment(service), capture_output=True)

    def start_databases(self) -> dict[str, str]:
        """Two Postgres servers, those of `registry dev`, with a database each that nobody else uses."""
        data = self.folder / "dev"
        ports = [f"--set={key}={free_port()}" for key in ("http.port", "database.write.port", "database.read.port")]
        environment = {**os.environ, "GCR_DATA_DIR": str(data)}
        dev = [str(self.programs / "registry"), "dev", "--no-gateway", *ports]
        self.spawn("registry dev", dev, environment)
        settings = data / "dev.toml"
        self.eventually("the databases are there", settings.is_file)
        described = subprocess.run(
            [str(self.programs / "registry"), "config", f"--config={settings}"],
            check=True, capture_output=True, text=True,
        ).stdout
        found = re.findall(r"\[database\.(write|read)\]\n.*?port = (\d+).*?password_file = \"([^\"]+)\"", described, re.S)
        databases: dict[str, str] = {}
        for which, port, file in found:
            databases[f"PORT_{which}"], databases[f"FILE_{which}"] = port, file
            password = Path(file).read_text().strip()
            create = ["psql", "-h", "127.0.0.1", "-p", port, "-U", "registry", "-c", "CREATE DATABASE compose", "postgres"]
            made = lambda: subprocess.run(
                create, env={**os.environ, "PGPASSWORD": password}, capture_output=True
            ).returncode == 0
            self.eventually(f"a database of its own in {which}", made)
        return databases

    def environment(self, service: str, variables: dict[str, str] = {}) -> dict[str, str]:
        """The service's own, with `variables` of `.env`, and with what stands for the other containers here."""
        master = self.folder / "master"
        event_store = self.folder / "event_store_url"
        if not master.exists():
            master.write_text(secrets.token_hex(32))
            event_store.write_text("sqlite:events.db\n")
        given = self.services[service]["environment"]
        variables = {"GCR_TRACES__ENDPOINT": self.collector.url, **variables}
        environment = {name: filled_in(value, variables) for name, value in given.items()}
        assert "GCR_EVENT_STORE__URL_FILE" in environment, environment
        environment |= {
            "GCR_EVENT_STORE__URL_FILE": str(event_store),
            "GCR_DATA_DIR": str(self.folder / "data"),
            "GCR_AUTH__MASTER_SECRET_FILE": str(master),
            "GCR_HTTP__PORT": self.api.rsplit(":", 1)[1],
        }
        for which in ("write", "read"):
            prefix = f"GCR_DATABASE__{which.upper()}__"
            assert environment[f"{prefix}HOST"] == f"postgres_db_{which}", environment
            environment |= {
                f"{prefix}HOST": "127.0.0.1",
                f"{prefix}PORT": self.databases[f"PORT_{which}"],
                f"{prefix}PASSWORD_FILE": self.databases[f"FILE_{which}"],
                f"{prefix}DBNAME": "compose",
            }
        return {**os.environ, **environment}

    def command(self, words: list[str]) -> list[str]:
        return [str(self.programs / words[0]), *words[1:]]

    def of(self, service: str) -> list[str]:
        return self.command(self.services[service].get("entrypoint", ["registry"]))

    def refused(self, service: str, words: list[str]) -> bytes:
        done = subprocess.run([*self.of(service), *words], env=self.environment(service), capture_output=True)
        assert done.returncode != 0, f"{service} {words} was not refused: {done}"
        return done.stderr

    def words(self, service: str) -> list[str]:
        return [filled_in(word, {}) for word in self.services[service]["command"]]

    def run(
        self, service: str, words: list[str] | None = None, typed: bytes = b"", given: dict[str, str] = {}
    ) -> bytes:
        (self.folder / "data").mkdir(exist_ok=True)
        command = [*self.of(service), *(words or self.words(service))]
        environment = self.environment(service) | given
        done = subprocess.run(command, env=environment, input=typed, capture_output=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"{service} {words}: {done.stdout.decode()} {done.stderr.decode()}"
        return done.stdout

    def start(self, service: str) -> None:
        self.spawn(service, [*self.of(service), *self.services[service]["command"]], self.environment(service))

    def spawn(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = open(self.folder / f"{name}.log", "wb")
        self.running.append((name, subprocess.Popen(command, env=environment, stdout=log, stderr=log)))

    def stop(self) -> None:
        """Asks each to stop, the last first; one that does not end well has failed."""
        bad = []
        while self.running:
            name, process = self.running.pop()
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code != 0:
                bad.append(f"{name} ended with {code}:\n" + (self.folder / f"{name}.log").read_text()[-2000:])
        assert not bad, "\n".join(bad)

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        request = urllib.request.Request(self.api + path, data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)
        except OSError:
            return 0, {}

    def eventually(self, what: str, holds: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            for name, process in self.running:
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended:\n" + (self.folder / f"{name}.log").read_text()[-2000:])
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {PATIENCE_S} s: {what}")
            time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    print("the compose file describes what runs")
