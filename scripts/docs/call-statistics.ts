import { z } from 'zod';
import { callStatistics } from '../../softphone-guest/src/statistics/schema.ts';

/** docs/call-statistics.schema.json as it should be. */
export function callStatisticsSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(callStatistics), null, 2)}\n`;
}
