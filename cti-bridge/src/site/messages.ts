import { z } from 'zod';
import { serviceResult, services, type ServiceRequest } from '../model/services.ts';
import { serviceName } from '../model/terms.ts';
import { identifier } from '../model/things.ts';

/** What bridges of a site say to each other. */

const request = z.object({
  kind: z.literal('request'),
  id: z.int(),
  from: z.string().min(1).max(64),
  pbx: z.string(),
  service: serviceName,
  params: z.unknown(),
  /** Devices to which the caller was found to have a right, for this request. */
  devices: z.array(identifier).max(1000),
});

const reply = z.object({
  kind: z.literal('reply'),
  id: z.int(),
  /** Events up to this one happened before. */
  seq: z.int().min(0),
  result: serviceResult.optional(),
  error: z
    .object({ code: z.string(), message: z.string(), remedy: z.string().optional() })
    .optional(),
});

export const siteMessage = z.discriminatedUnion('kind', [request, reply]);
export type SiteRequest = z.output<typeof request>;
export type SiteReply = z.output<typeof reply>;

/** The request that it carries, as the owner's own callers have it. */
export function carried({ service, params }: SiteRequest): ServiceRequest {
  return { service, params: services[service].params.parse(params) } as ServiceRequest;
}
