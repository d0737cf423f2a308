import { OffhookError } from '@offhook/common';
import { bufferFullError } from '../channel-errors.ts';
import { PortStream, type PortCarrier } from '../port-stream.ts';
import { portFromClient } from './messages.ts';
import type { PortChannel, PortSink } from './port.ts';

/** Bytes that may wait while a seamless migration carries the port over, which takes milliseconds. */
const MAX_HELD = 1024 * 1024;

/**
 * The guest's end of a port as streams, one each time the guest opens it. It outlives the port channel
 * below: a desktop that moves goes on with another one.
 */
export class PortLine implements PortCarrier, PortSink {
  readonly #name: string;
  readonly #onStream: (stream: PortStream) => void;
  #port: PortChannel;
  #stream: PortStream | undefined;
  /** What was written while nothing may be sent. */
  #held: Uint8Array[] | undefined;
  #heldBytes = 0;
  #paused = false;
  /** After a move: the destination may still say that the guest's end is open, as it was. */
  #continues = false;

  /** @param onStream called in the turn in which the bytes may begin */
  constructor(port: PortChannel, name: string, onStream: (stream: PortStream) => void) {
    this.#port = port;
    this.#name = name;
    this.#onStream = onStream;
    port.attach(this);
    if (port.open) this.#begin();
  }

  get port(): PortChannel {
    return this.#port;
  }

  get buffered(): number {
    return this.#port.channel.buffered + this.#heldBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#held === undefined) return this.#send(bytes);
    if (this.#heldBytes + bytes.length > MAX_HELD) {
      this.#endStream(bufferFullError(`spice port ${this.#name}`, this.#heldBytes));
      return false;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return false;
  }

  pause(): void {
    this.#paused = true;
    // The last message of the source has to come through; a paused stream keeps what comes before it.
    if (this.#held === undefined) this.#port.channel.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#port.channel.resume();
  }

  /** Nothing is sent from now on, until `carry` or `replace`. */
  hold(): void {
    this.#held ??= [];
    this.#port.channel.resume();
  }

  /** Goes on at another channel, with nothing lost between the two. */
  carry(port: PortChannel): void {
    this.#port.attach(undefined);
    this.#port = port;
    port.attach(this);
    const held = this.#release();
    for (const bytes of held) this.#send(bytes);
    if (this.#paused) port.channel.pause();
    this.#continues = this.#stream !== undefined && !port.open;
    if (this.#stream === undefined && port.open) this.#begin();
    if (held.length > 0) this.#stream?.drained();
  }

  /**
   * Goes on at another channel, with something lost: a stream that was there begins anew. The guest's
   * end is as it was, although spice-server may never say so after a move that was not seamless.
   */
  replace(port: PortChannel): void {
    const wasOpen = this.#stream !== undefined;
    this.#port.attach(undefined);
    this.#endStream(
      new OffhookError('channel', 'desktop-moved', 'the desktop has moved to another host'),
    );
    this.#release();
    this.#paused = false;
    this.#port = port;
    port.attach(this);
    this.#continues = wasOpen && !port.open;
    if (wasOpen || port.open) this.#begin();
  }

  /** The connection is gone. */
  end(error: Error | undefined): void {
    this.#port.attach(undefined);
    this.#endStream(error);
  }

  opened(isOpen: boolean): void {
    const continues = isOpen && this.#continues;
    this.#continues = false;
    if (continues) return;
    this.#endStream(
      new OffhookError('channel', 'guest-closed', `the guest closed the port ${this.#name}`),
    );
    if (isOpen) this.#begin();
  }

  data(bytes: Uint8Array): void {
    this.#stream?.receive(bytes);
  }

  drained(): void {
    if (this.#held === undefined) this.#stream?.drained();
  }

  #begin(): void {
    const description = `spice port ${this.#name}`;
    this.#stream = new PortStream(this, { transport: 'spice', description });
    this.#onStream(this.#stream);
  }

  #send(bytes: Uint8Array): boolean {
    return this.#port.channel.send(portFromClient.data, { data: bytes });
  }

  #release(): Uint8Array[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    return held;
  }

  #endStream(error: Error | undefined): void {
    this.#stream?.end(error);
    this.#stream = undefined;
  }
}
