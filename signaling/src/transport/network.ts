import type { Duplex } from 'node:stream';
import type { Endpoint, Target } from './layer.ts';
import type { ListenAddress } from '../api.ts';

/** The operating system's sockets, as the layer needs them; replaced in tests. */
export interface Network {
  bindUdp(at: ListenAddress, events: UdpEvents): Promise<UdpSocket>;
  /** TCP, or TLS when `tls` says how. */
  listen(at: ListenAddress, accept: (stream: StreamSocket) => void): Promise<StreamServer>;
  connect(to: Target, signal: AbortSignal): Promise<StreamSocket>;
  /** The local address that packets to `remote` leave from; for a socket bound to the wildcard. */
  sourceAddress(remote: Endpoint): Promise<string>;
  /** True if the network says that nobody listens at this UDP port; false when it says nothing. */
  probe(remote: Endpoint, signal: AbortSignal): Promise<boolean>;
}

export interface UdpEvents {
  message(data: Uint8Array, from: Endpoint): void;
  error(error: Error): void;
}

export interface UdpSocket {
  readonly local: Endpoint;
  /** `done` gets the error of the operating system, if there is one. */
  send(data: Uint8Array, to: Endpoint, done: (error: Error | undefined) => void): void;
  close(): Promise<void>;
}

export interface StreamServer {
  readonly local: Endpoint;
  close(): Promise<void>;
}

export interface StreamSocket {
  readonly stream: Duplex;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}
