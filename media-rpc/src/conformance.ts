/**
 * What every engine has to do, as tests: one for each rule of contract.ts that a guest can see. A
 * package that brings an engine calls `testMediaEngine` from a test file of its own.
 */

import { afterEach, beforeEach, describe } from 'vitest';
import { withDeadline, type Clock } from '@offhook/common';
import { createMemoryPair } from '@offhook/virtual-channel';
import { audioTests } from './conformance/audio-tests.ts';
import { negotiationTests } from './conformance/negotiation-tests.ts';
import { SessionDriver, type ConformancePeer } from './conformance/session-driver.ts';
import { sessionTests } from './conformance/session-tests.ts';
import { willTests } from './conformance/will-tests.ts';
import type { MediaClient, MediaEngine } from './engine.ts';
import { connectMedia } from './media-client.ts';
import { serveMedia } from './media-server.ts';

/** An engine ready to be asked, and how to get rid of it. */
export interface EngineHarness {
  /** A guest's connection to it; `clientFor` makes one of a MediaEngine. */
  readonly client: MediaClient;
  /** Where the engine lives on virtual time: lets milliseconds pass. */
  advance?(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface EngineSubject {
  readonly name: string;
  create(): Promise<EngineHarness>;
  /** Where media may be sent in these tests; 127.0.0.1, port 9 (discard). */
  readonly peer?: ConformancePeer;
}

export type EngineTests = (engine: () => SessionDriver) => void;

/** Declares the suite for one engine. Each test has an engine of its own. */
export function testMediaEngine(subject: EngineSubject): void {
  describe(`media contract: ${subject.name}`, () => {
    let harness: EngineHarness;
    let driver: SessionDriver;

    beforeEach(async () => {
      harness = await subject.create();
      const peer = subject.peer ?? { address: '127.0.0.1', port: 9 };
      driver = new SessionDriver(harness.client, peer, (ms) => harness.advance?.(ms));
    });

    afterEach(async () => {
      await withDeadline({ layer: 'engine', what: 'closing the engine', ms: 15_000 }, async () => {
        await driver.closeAll();
        await harness.client.close();
        await harness.close();
      });
    });

    sessionTests(() => driver);
    negotiationTests(() => driver);
    audioTests(() => driver);
    willTests(() => driver);
  });
}

/** Connects to a MediaEngine over a channel in memory: validation and wire are part of the test. */
export async function clientFor(
  engine: MediaEngine,
  options: { clock?: Clock } = {},
): Promise<MediaClient> {
  const { left, right } = createMemoryPair(options);
  serveMedia(right, { engine: () => engine, instanceId: 'conformance-engine', ...options });
  return connectMedia(left, { instanceId: 'conformance-guest', leaseMs: 5000, ...options });
}
