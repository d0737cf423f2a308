import type { CheckInfo } from '../control/schemas.ts';

export function ok(layer: CheckInfo['layer'], message: string): CheckInfo {
  return { layer, level: 'ok', message, remedy: null };
}

export function warn(layer: CheckInfo['layer'], message: string, remedy: string): CheckInfo {
  return { layer, level: 'warn', message, remedy };
}

export function fail(layer: CheckInfo['layer'], message: string, remedy: string): CheckInfo {
  return { layer, level: 'fail', message, remedy };
}
