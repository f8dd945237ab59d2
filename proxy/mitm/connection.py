"""Sockets on one side, mitmproxy's events and commands on the other, without a task for each connection and hook.

It stands where mitmproxy's ``ConnectionHandler`` stands. That one reads by streams, runs every hook as a task behind a
lock, and keeps a watchdog task for each connection: a third of the cost of a small request.
"""

import asyncio
import logging
import select
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.mitm.http1 import SystemSide
from proxy.mitm.layers import FOREVER, EngineLayer, EngineStream, StreamTimeout

if TYPE_CHECKING:
    from proxy.mitm.listener import Listener

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
PIPELINED_BYTES = 65_536
_MODE = ProxyMode.parse("reverse:http://strangler.invalid")
_Transport = asyncio.Transport


class SystemProtocol(asyncio.Protocol):
    """One connection to a system. It outlives the caller it was opened for, where it can be used again."""

    def __init__(self) -> None:
        self.transport: _Transport | None = None
        self.owner: CallerConnection | None = None
        self.connection: Server | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self.transport = cast("_Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if self.owner is not None and self.connection is not None:
            self.owner.handle(events.DataReceived(self.connection, data))
        elif self.transport is not None:
            self.transport.abort()  # nobody asked: never let it become somebody's answer

    def connection_lost(self, _: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self.is_lost = True
        if self.owner is not None and self.connection is not None:
            self.owner.system_lost(self.connection)

    def pause_writing(self) -> None:
        """asyncio: the system reads more slowly than the caller writes."""
        if self.owner is not None:
            self.owner.hold_caller(True)

    def resume_writing(self) -> None:
        """asyncio: the system has caught up."""
        if self.owner is not None:
            self.owner.hold_caller(False)

    def is_usable(self) -> bool:
        """Whether nothing has come and nothing has ended since it was last used: one look at the socket."""
        if self.is_lost or self.transport is None or self.transport.is_closing():
            return False
        sock = self.transport.get_extra_info("socket")
        if sock is None:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)


class CallerConnection(asyncio.Protocol):
    """One caller's connection, and everything that happens because of it."""

    def __init__(self, listener: "Listener", options: Options) -> None:
        self._listener = listener
        self._options = options
        self._transport: _Transport | None = None
        self._systems: dict[Connection, SystemProtocol] = {}
        self._openings: dict[Connection, asyncio.Task[None]] = {}
        self._waiting: deque[events.Event] = deque()
        self._outgoing: dict[Connection, list[bytes]] = {}
        self._is_busy = False
        self._is_gone = False
        self._has_piped = False
        self.active_at = time.monotonic()

    # -- the caller's socket ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a caller connected."""
        self._transport = cast("_Transport", transport)
        self.client = Client(
            peername=transport.get_extra_info("peername"),
            sockname=transport.get_extra_info("sockname"),
            timestamp_start=time.time(),
            proxy_mode=_MODE,
            state=ConnectionState.OPEN,
        )
        self.layer = EngineLayer(Context(self.client, self._options), self._listener.addon, self._is_usable)
        self._listener.connections.add(self)
        self.handle(events.Start())

    def data_received(self, data: bytes) -> None:
        """asyncio: the caller sent something."""
        self.handle(events.DataReceived(self.client, data))
        caller = self.layer.caller
        if len(caller.buf) > PIPELINED_BYTES and caller.state == caller.wait:
            self._has_piped = True
            self.hold_caller(True)

    def eof_received(self) -> bool:
        """asyncio: the caller will send no more; it still gets its answer."""
        self.client.state &= ~ConnectionState.CAN_READ
        self.handle(events.ConnectionClosed(self.client))
        return True

    def connection_lost(self, _: Exception | None) -> None:
        """asyncio: the caller is gone."""
        self._is_gone = True
        self._transport = None
        self.client.state = ConnectionState.CLOSED
        self.handle(events.ConnectionClosed(self.client))
        self._finish_if_done()

    def pause_writing(self) -> None:
        """asyncio: the caller reads more slowly than its system answers."""
        for system in self._systems.values():
            if system.transport is not None:
                system.transport.pause_reading()

    def resume_writing(self) -> None:
        """asyncio: the caller has caught up."""
        for system in self._systems.values():
            if system.transport is not None:
                system.transport.resume_reading()

    def hold_caller(self, is_held: bool) -> None:
        """Stop reading from the caller, or go on."""
        if self._transport is None or self._transport.is_closing():
            return
        if is_held:
            self._transport.pause_reading()
        elif not self._openings:
            self._transport.resume_reading()

    # -- events and commands ---------------------------------------------------------------------------------------

    def handle(self, event: events.Event) -> None:
        """Let the layers handle an event, and carry out what they say. Never raises."""
        self._waiting.append(event)
        if self._is_busy:
            return
        self._is_busy = True
        self.active_at = time.monotonic()
        try:
            while self._waiting:
                for command in self.layer.handle_event(self._waiting.popleft()):
                    self._carry_out(command)
        except Exception:
            log.exception("the engine failed on a connection: it is closed")
            self._crash()
        finally:
            self._is_busy = False
            self._flush()
        if self._has_piped and self.layer.caller.state != self.layer.caller.wait:
            self._has_piped = False
            self.hold_caller(False)

    def _carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendData):
            outgoing = self._outgoing.get(command.connection)
            if outgoing is None:
                self._outgoing[command.connection] = [command.data]
            else:
                outgoing.append(command.data)
        elif isinstance(command, commands.OpenConnection):
            self._open(command)
        elif isinstance(command, commands.CloseTcpConnection) and command.half_close:
            self._flush()
            transport = self._transport_of(command.connection)
            if transport is not None and transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()
                command.connection.state &= ~ConnectionState.CAN_WRITE
        elif isinstance(command, commands.CloseConnection):
            self._flush()
            self._close(command.connection)

    def _flush(self) -> None:
        if not self._outgoing:
            return
        outgoing, self._outgoing = self._outgoing, {}
        for connection, pieces in outgoing.items():
            transport = self._transport_of(connection)
            if transport is not None and not transport.is_closing():
                transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _transport_of(self, connection: Connection) -> _Transport | None:
        if connection is self.client:
            return self._transport
        system = self._systems.get(connection)
        return system.transport if system is not None else None

    def _close(self, connection: Connection) -> None:
        connection.state = ConnectionState.CLOSED
        if connection is self.client:
            if self._transport is not None:
                self._transport.close()
            return
        system = self._systems.pop(connection, None)
        if system is not None:
            system.owner = None
            if system.transport is not None:
                system.transport.abort()
            self.layer.connections.pop(connection, None)

    def _is_usable(self, connection: Connection) -> bool:
        system = self._systems.get(connection)
        return system is not None and system.is_usable()

    def system_lost(self, connection: Connection) -> None:
        """A system ended its connection."""
        self._systems.pop(connection, None)
        connection.state = ConnectionState.CLOSED
        self.handle(events.ConnectionClosed(connection))
        self._finish_if_done()

    # -- systems' connections --------------------------------------------------------------------------------------

    def _open(self, command: commands.OpenConnection) -> None:
        server = command.connection
        address = server.address or ("", 0)
        kept = self._listener.pool.take((address[0], address[1], server.tls))
        if kept is not None:
            self._adopt(server, kept)
            child = self.layer.connections.get(server)
            if isinstance(child, SystemSide):
                child.was_used = True
            self._waiting.append(events.OpenConnectionCompleted(command, None))
            return
        task = self._listener.spawn(self._connect(command))
        self._openings[server] = task
        self.hold_caller(True)

    async def _connect(self, command: commands.OpenConnection) -> None:
        server = command.connection
        address = server.address or ("", 0)
        context = ssl.create_default_context() if server.tls else None
        error: str | None = None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, protocol = await loop.create_connection(SystemProtocol, address[0], address[1], ssl=context)
            self._adopt(server, protocol)
        except TimeoutError:
            error = f"no connection within {CONNECT_TIMEOUT_S:g} seconds"
        except OSError as failure:
            error = str(failure) or type(failure).__name__
        except Exception as failure:
            log.exception("no connection to %s could be tried", address)
            error = type(failure).__name__
        finally:
            self._openings.pop(server, None)
            self.hold_caller(False)
        self.handle(events.OpenConnectionCompleted(command, error))
        self._finish_if_done()

    def _adopt(self, server: Server, protocol: SystemProtocol) -> None:
        protocol.owner = self
        protocol.connection = server
        server.state = ConnectionState.OPEN
        self._systems[server] = protocol

    # -- the end ---------------------------------------------------------------------------------------------------

    def sweep(self, now: float, idle_s: float) -> None:
        """End what takes too long: an answer past its time limit, a caller that says nothing."""
        for stream_id, stream in list(self.layer.streams.items()):
            if isinstance(stream, EngineStream) and stream.deadline < now:
                stream.deadline = FOREVER
                self.handle(StreamTimeout(stream_id))
                self._finish_if_done()
        is_waiting_for_us = self.layer.caller.state == self.layer.caller.wait
        if not is_waiting_for_us and now - self.active_at > idle_s and self._transport is not None:
            self._transport.abort()

    def drain(self) -> None:
        """Close as soon as no request is under way."""
        self.layer.caller.is_draining = True
        if self._transport is None or self.layer.streams:
            return
        if self.layer.caller.is_idle:
            self._transport.close()
        elif self.layer.caller.state == self.layer.caller.discard:
            self._transport.abort()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    def _crash(self) -> None:
        for stream in list(self.layer.streams.values()):
            if isinstance(stream, EngineStream) and hasattr(stream, "flow"):
                self._listener.addon.lost(stream.flow, "the engine failed")
        self.layer.streams.clear()
        self._waiting.clear()
        self._outgoing.clear()
        self.abort()

    def _finish_if_done(self) -> None:
        if not self._is_gone or self.layer.streams or self._openings:
            return
        idle = {id(connection) for connection, _ in self.layer.idle_connections()}
        for connection, system in self._systems.items():
            system.owner = None
            address = connection.address if isinstance(connection, Server) else None
            if id(connection) in idle and address is not None:
                self._listener.pool.keep((address[0], address[1], connection.tls), system)
            elif system.transport is not None:
                system.transport.abort()
        self._systems.clear()
        self._listener.connections.discard(self)
