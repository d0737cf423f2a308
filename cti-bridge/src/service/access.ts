import { OffhookError } from '@offhook/common';
import { z } from 'zod';
import { serviceName, type ServiceName } from '../model/terms.ts';

/** What a token may be good for: reading, every service, the supervisor's services, or one service. */
export const scope = z.union([z.enum(['monitor', 'control', 'supervise', 'metrics']), serviceName]);
export type Scope = z.output<typeof scope>;

const SUPERVISION: ReadonlySet<ServiceName> = new Set(['silentMonitor', 'whisper', 'bargeIn']);

/** Who asks, and what is allowed to him. */
export class Principal {
  readonly name: string;
  /** Wall-clock milliseconds after which it is nobody any more. */
  readonly expiresAt: number;
  readonly #devices: readonly RegExp[];
  readonly #scopes: ReadonlySet<Scope>;

  constructor(options: {
    name: string;
    /** Patterns; `*` stands for any characters. */
    devices: readonly string[];
    scopes: readonly Scope[];
    expiresAt?: number;
  }) {
    this.name = options.name;
    this.expiresAt = options.expiresAt ?? Infinity;
    this.#devices = options.devices.map(pattern);
    this.#scopes = new Set(options.scopes);
  }

  sees(device: string): boolean {
    return this.#devices.some((one) => one.test(device));
  }

  may(what: Scope): boolean {
    return this.#scopes.has(what);
  }

  mayDo(service: ServiceName): boolean {
    if (this.#scopes.has(service)) return true;
    return this.#scopes.has(SUPERVISION.has(service) ? 'supervise' : 'control');
  }

  /** @throws OffhookError `cti` `forbidden` */
  demand(what: Scope): void {
    if (!this.may(what)) throw forbidden(`the token of ${this.name} is not good for ${what}`);
  }

  /** @throws OffhookError `cti` `forbidden` */
  demandService(service: ServiceName): void {
    if (!this.mayDo(service))
      throw forbidden(`the token of ${this.name} is not good for ${service}`);
  }

  /** @throws OffhookError `cti` `forbidden` */
  demandDevices(devices: readonly string[]): void {
    const other = devices.find((device) => !this.sees(device));
    if (other !== undefined) throw forbidden(`the token of ${this.name} is not for ${other}`);
  }
}

function forbidden(message: string): OffhookError {
  return new OffhookError('cti', 'forbidden', message);
}

export function unauthenticated(message: string): OffhookError {
  return new OffhookError('cti', 'unauthenticated', message, {
    remedy: 'send a valid token: `Authorization: Bearer …`',
  });
}

function pattern(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replaceAll(/[^\w]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`);
}
