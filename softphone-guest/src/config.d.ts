import type { ListenAddress } from '@offhook/signaling';
import { z } from 'zod';
/** `udp:127.0.0.1:5080`, `tcp:[::1]:5080`; undefined when it is neither. */
export declare function parseListenAddress(text: string): ListenAddress | undefined;
export declare const guestConfigSchema: z.ZodObject<{
    sip: z.ZodPrefault<z.ZodObject<{
        listen: z.ZodPrefault<z.ZodArray<z.ZodPipe<z.ZodString, z.ZodTransform<ListenAddress, string>>>>;
        outbound_proxy: z.ZodOptional<z.ZodString>;
        user_agent: z.ZodOptional<z.ZodString>;
        tls: z.ZodOptional<z.ZodObject<{
            ca: z.ZodOptional<z.ZodString>;
            cert: z.ZodOptional<z.ZodString>;
            key: z.ZodOptional<z.ZodString>;
            verify: z.ZodDefault<z.ZodBoolean>;
        }, z.core.$strip>>;
    }, z.core.$strip>>;
    account: z.ZodArray<z.ZodObject<{
        aor: z.ZodString;
        display_name: z.ZodOptional<z.ZodString>;
        registrar: z.ZodOptional<z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodArray<z.ZodString>]>, z.ZodTransform<string[], string | string[]>>>;
        register: z.ZodDefault<z.ZodBoolean>;
        username: z.ZodOptional<z.ZodString>;
        password: z.ZodOptional<z.ZodString>;
        password_command: z.ZodOptional<z.ZodString>;
        password_file: z.ZodOptional<z.ZodString>;
        realm: z.ZodOptional<z.ZodString>;
        expires: z.ZodDefault<z.ZodInt>;
        outbound_proxy: z.ZodOptional<z.ZodString>;
        auto_answer: z.ZodPrefault<z.ZodPipe<z.ZodUnion<readonly [z.ZodBoolean, z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>]>, z.ZodTransform<number | undefined, number | boolean>>>;
        codecs: z.ZodOptional<z.ZodArray<z.ZodEnum<{
            G722: "G722";
            PCMA: "PCMA";
            PCMU: "PCMU";
            opus: "opus";
        }>>>;
        srtp: z.ZodDefault<z.ZodEnum<{
            off: "off";
            optional: "optional";
            required: "required";
        }>>;
        dtmf: z.ZodDefault<z.ZodEnum<{
            inband: "inband";
            info: "info";
            rfc4733: "rfc4733";
        }>>;
        rel100: z.ZodDefault<z.ZodEnum<{
            off: "off";
            required: "required";
            supported: "supported";
        }>>;
        session_timer: z.ZodDefault<z.ZodUnion<readonly [z.ZodLiteral<false>, z.ZodObject<{
            expires: z.ZodDefault<z.ZodInt>;
            min_se: z.ZodDefault<z.ZodInt>;
            refresher: z.ZodDefault<z.ZodEnum<{
                auto: "auto";
                uac: "uac";
                uas: "uas";
            }>>;
        }, z.core.$strip>]>>;
        redirects: z.ZodDefault<z.ZodEnum<{
            follow: "follow";
            refuse: "refuse";
        }>>;
    }, z.core.$strip>>;
    engine: z.ZodObject<{
        channel: z.ZodString;
        tls: z.ZodOptional<z.ZodObject<{
            ca: z.ZodOptional<z.ZodString>;
            cert: z.ZodOptional<z.ZodString>;
            key: z.ZodOptional<z.ZodString>;
            verify: z.ZodDefault<z.ZodBoolean>;
        }, z.core.$strip>>;
        lease: z.ZodDefault<z.ZodInt>;
    }, z.core.$strip>;
    dial: z.ZodPrefault<z.ZodObject<{
        domain: z.ZodOptional<z.ZodString>;
        account: z.ZodOptional<z.ZodString>;
    }, z.core.$strip>>;
    calls: z.ZodPrefault<z.ZodObject<{
        one_active: z.ZodDefault<z.ZodBoolean>;
        max: z.ZodDefault<z.ZodInt>;
        history: z.ZodDefault<z.ZodInt>;
        country: z.ZodOptional<z.ZodString>;
    }, z.core.$strip>>;
    log: z.ZodPrefault<z.ZodObject<{
        level: z.ZodDefault<z.ZodEnum<{
            debug: "debug";
            error: "error";
            info: "info";
            silent: "silent";
            warn: "warn";
        }>>;
        sip_trace: z.ZodDefault<z.ZodBoolean>;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type GuestConfig = z.output<typeof guestConfigSchema>;
export type AccountConfig = GuestConfig['account'][number];
/**
 * Reads the configuration; paths in it are relative to the file.
 *
 * @throws OffhookError with layer `config`; see `loadConfig` of common.
 */
export declare function loadGuestConfig(path: string): GuestConfig;
/** The same for text that is already there, for tests. */
export declare function parseGuestConfig(text: string, path?: string): GuestConfig;
