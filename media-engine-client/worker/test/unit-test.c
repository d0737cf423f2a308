/* Unit tests of the worker's parts that need no pipeline; run by `make check` with sanitizers. */
#include <math.h>
#include <string.h>

#include "address.h"
#include "bus.h"
#include "dtmf-rx.h"
#include "dtmf-tx.h"
#include "echo-delay.h"
#include "inband.h"
#include "latch.h"
#include "plc.h"
#include "rtcp.h"
#include "rtp-packet.h"
#include "rtp-source.h"
#include "timeline.h"
#include "tone.h"
#include "wav.h"

static void test_random_packets(void) {
  /* No input makes a parser read outside: the sanitizers watch. */
  for (guint round = 0; round < 1000000; round++) {
    gsize length = (gsize)g_test_rand_int_range(0, 80);
    guint8 *data = g_malloc(length == 0 ? 1 : length);
    for (gsize i = 0; i < length; i++) data[i] = (guint8)g_test_rand_int();
    if (length > 1 && round % 2 == 0) data[0] = (guint8)(0x80 | (data[0] & 0x3f));
    if (length > 1 && round % 4 == 0) data[1] = (guint8)(200 + data[1] % 4);
    if (length > 3 && round % 8 == 0) oh_put16(data + 2, data[3] % 8);
    OhRtpHeader h;
    OhRtcpInfo info;
    OhWav wav;
    if (oh_rtp_parse(data, length, &h)) g_assert_cmpuint(h.payload_offset + h.payload_length, <=, length);
    oh_rtcp_read(data, length, 0, &info);
    oh_rtp_is_rtcp(data, length);
    if (length >= 12 && round % 3 == 0) memcpy(data, "RIFF", 4), memcpy(data + 8, "WAVE", 4);
    oh_wav_parse(data, length, &wav);
    g_free(data);
  }
}

static void test_rtcp_round_trip(void) {
  guint8 packet[512];
  OhRtcpReport report = {.ssrc = 1,
                         .sending = TRUE,
                         .ntp = oh_ntp_time(1000000),
                         .has_block = TRUE,
                         .source = 7,
                         .fraction = 64,
                         .lost = -3,
                         .jitter = 80,
                         .lsr = 5,
                         .dlsr = 6,
                         .cname = "somebody",
                         .bye = TRUE};
  gsize length = oh_rtcp_write(&report, packet, sizeof packet);
  OhRtcpInfo info;
  g_assert_cmpuint(length % 4, ==, 0);
  g_assert_true(oh_rtcp_read(packet, length, 7, &info));
  g_assert_true(info.has_sr && info.has_block && info.bye);
  g_assert_cmpint(info.lost, ==, -3);
  g_assert_cmpuint(info.fraction, ==, 64);
  g_assert_cmpuint(info.sr_lsr, ==, (guint32)(report.ntp >> 16));
  g_assert_true(oh_rtcp_read(packet, length, 8, &info));
  g_assert_false(info.has_block);
  for (gsize cut = 1; cut < length; cut++) oh_rtcp_read(packet, cut, 7, &info);
}

static void test_source_counts_loss_across_a_wrap(void) {
  OhRtpSource s = {0};
  oh_source_init(&s, 1, 65530, TRUE);
  for (guint i = 0; i < 20; i++)
    if (i % 5 != 4) g_assert_cmpint(oh_source_packet(&s, (guint16)(65530 + i), 160), ==, OH_SOURCE_OK);
  g_assert_cmpint(oh_source_lost(&s), ==, 3);
  g_assert_cmpuint(oh_source_highest(&s), ==, 65536 + 12);
  g_assert_cmpint(oh_source_packet(&s, 30000, 160), ==, OH_SOURCE_JUMP);
  g_assert_cmpint(oh_source_packet(&s, 30001, 160), ==, OH_SOURCE_RESTART);
  g_assert_cmpint(oh_source_lost(&s), ==, 3);
}

static void test_timeline_has_no_seams(void) {
  OhTimeline t = {0};
  guint16 seq = 10, last = 0;
  guint32 ts = 1000;
  oh_timeline_map(&t, &seq, &ts, 0, 8000);
  last = seq;
  seq = 60000; /* another source */
  ts = 5;
  oh_timeline_break(&t);
  oh_timeline_map(&t, &seq, &ts, 20000000, 8000);
  g_assert_cmpuint(seq, ==, last + 1);
  g_assert_cmpuint(ts, ==, 1160);
  seq = 60001; /* its clock jumps */
  ts = 900000;
  oh_timeline_map(&t, &seq, &ts, 40000000, 8000);
  g_assert_cmpuint(seq, ==, last + 2);
  g_assert_cmpuint(ts, ==, 1320);
}

static void test_latch_needs_two_packets_of_a_stranger(void) {
  OhLatch l = {0};
  OhAddress announced, other, third;
  g_assert_true(oh_address_parse(&announced, "10.0.0.1", 4000));
  g_assert_true(oh_address_parse(&other, "192.0.2.1", 5000));
  g_assert_true(oh_address_parse(&third, "192.0.2.2", 5000));
  oh_latch_set(&l, OH_LATCH_ONCE, &announced);
  g_assert_false(oh_latch_packet(&l, &other, 1, 0, FALSE));
  g_assert_false(oh_latch_packet(&l, &third, 2, 0, FALSE));
  g_assert_false(oh_latch_packet(&l, &other, 2, 0, FALSE));
  g_assert_true(oh_latch_packet(&l, &other, 3, 0, FALSE));
  g_assert_true(oh_address_equal(&l.current, &other));
  g_assert_false(oh_latch_packet(&l, &third, 9, 9000, FALSE));
  g_assert_false(oh_latch_packet(&l, &third, 10, 9000, FALSE));
  g_assert_true(oh_latch_packet(&l, &third, 11, 9000, TRUE));
  g_assert_true(oh_address_equal(&l.current, &other));
}

static void test_dtmf_survives_any_packets(void) {
  OhDtmfRx d = {0};
  OhDigit out[2];
  for (guint i = 0; i < 1000000; i++) {
    guint8 payload[4];
    for (guint k = 0; k < 4; k++) payload[k] = (guint8)g_test_rand_int();
    payload[0] %= 20;
    g_assert_cmpuint(oh_dtmf_rx_packet(&d, g_test_rand_int() % 5000, i % 3 == 0, payload,
                                       i % 6, i, out), <=, 2);
    oh_dtmf_rx_poll(&d, i * 100, out);
  }
}

static void test_dtmf_sent_is_dtmf_heard(void) {
  const char *digits = "0123456789*#ABCD";
  OhDtmfTx tx = {0};
  OhDtmfRx rx = {0};
  GString *heard = g_string_new(NULL);
  g_assert_true(oh_dtmf_tx_start(&tx, digits, 101, 8000, 50, 40));
  g_assert_false(oh_dtmf_tx_start(&tx, digits, 101, 8000, 50, 40));
  for (guint tick = 0;; tick++) {
    OhDtmfPacket p = {0};
    OhDigit out[2];
    OhDtmfAction action = oh_dtmf_tx_tick(&tx, tick * 160, 20, &p);
    if (action == OH_DTMF_FINISHED) break;
    if (action == OH_DTMF_AUDIO || tick % 4 == 1) continue; /* a quarter is lost */
    guint count = oh_dtmf_rx_packet(&rx, p.timestamp, p.marker, p.payload, 4, tick * 20, out);
    for (guint i = 0; i < count; i++) g_string_append_c(heard, out[i].digit);
  }
  g_assert_cmpstr(heard->str, ==, digits);
  g_string_free(heard, TRUE);
}

static double level(const gint16 *samples, gsize count) {
  double sum = 0;
  for (gsize i = 0; i < count; i++) sum += (double)samples[i] * samples[i];
  return sqrt(sum / (double)count);
}

static void test_concealment_goes_on_and_fades(void) {
  for (guint rate = 8000; rate <= 48000; rate += 8000) {
    OhPlc p;
    gint16 audio[4800], gap[4800];
    OhTone tone;
    guint frame = rate / 50;
    g_assert_true(oh_tone_parse(&tone, "440/1000", -6));
    oh_plc_init(&p, rate);
    oh_plc_fill(&p, gap, frame);
    g_assert_cmpfloat(level(gap, frame), ==, 0);
    for (guint i = 0; i < 5; i++) {
      oh_tone_render(&tone, audio, frame, i * frame, rate);
      oh_plc_receive(&p, audio, frame);
    }
    double before = level(audio, frame);
    oh_plc_fill(&p, gap, frame);
    g_assert_cmpfloat(level(gap, frame / 2), >, before * 0.8);
    g_assert_cmpint(ABS(gap[0] - audio[frame - 1]), <, 20000);
    for (guint i = 0; i < 3; i++) oh_plc_fill(&p, gap, frame);
    g_assert_cmpfloat(level(gap, frame), <, 1);
    oh_plc_receive(&p, audio, frame);
    oh_plc_receive(&p, audio, 1);
    oh_plc_fill(&p, gap, 1);
    oh_plc_receive(&p, audio, 1);
    oh_plc_fill(&p, gap, 4800);
  }
}

static void test_tones_are_parsed_strictly(void) {
  OhTone tone;
  const char *bad[] = {"x", "440", "/", "440/0", "440+/", "440/1 x", "-1/5", "1+2+3+4+5+6+7/9"};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) g_assert_false(oh_tone_parse(&tone, bad[i], -9));
  g_assert_true(oh_tone_parse(&tone, "440+480/2000 /4000", -9));
  g_assert_cmpuint(tone.steps, ==, 2);
  gint16 samples[80];
  oh_tone_render(&tone, samples, 80, 8000, 8000);
  g_assert_cmpfloat(level(samples, 80), >, 1000);
  oh_tone_render(&tone, samples, 80, 5 * 8000, 8000);
  g_assert_cmpfloat(level(samples, 80), ==, 0);
}

static void test_addresses(void) {
  OhAddress a, b;
  g_assert_false(oh_address_parse(&a, "example.com", 1));
  g_assert_true(oh_address_parse(&a, "192.0.2.7", 99));
  b = a;
  oh_address_for_family(&b, AF_INET6);
  char *host = oh_address_host(&b);
  g_assert_cmpstr(host, ==, "192.0.2.7");
  g_free(host);
  g_assert_true(oh_address_sendable(&b));
  g_assert_true(oh_address_parse(&a, "0.0.0.0", 99));
  g_assert_false(oh_address_sendable(&a));
  oh_address_for_family(&a, AF_INET6);
  g_assert_false(oh_address_sendable(&a));
}

static void test_buses(void) {
  OhBus *bus = oh_bus_get("speaker");
  g_assert_true(oh_bus_get("speaker") == bus);
  gint16 out[8], one[4] = {1, 2, 3, 4}, loud[4] = {30000, -30000, 0, 0};
  oh_bus_read(bus, 0, out, 8);
  for (guint i = 0; i < 8; i++) g_assert_cmpint(out[i], ==, 0);
  /* Who is late is mixed in; the gap between is silence. */
  oh_bus_add(bus, 1000, one, 4);
  oh_bus_add(bus, 1006, loud, 4);
  oh_bus_add(bus, 1006, loud, 4);
  oh_bus_add(bus, 1002, one, 4);
  oh_bus_read(bus, 1000, out, 8);
  const gint16 mixed[8] = {1, 2, 4, 6, 3, 4, G_MAXINT16, G_MININT16};
  g_assert_cmpmem(out, sizeof out, mixed, sizeof mixed);
  /* What is long ago is gone, and does not come back in the place of what is new. */
  oh_bus_add(bus, 1000 + 3 * OH_BUS_LENGTH, one, 4);
  oh_bus_add(bus, 1000, one, 4);
  oh_bus_read(bus, 1000, out, 8);
  for (guint i = 0; i < 8; i++) g_assert_cmpint(out[i], ==, 0);
  oh_bus_read(bus, 1000 + 3 * OH_BUS_LENGTH, out, 4);
  g_assert_cmpmem(out, sizeof one, one, sizeof one);
  gint lag;
  g_assert_false(oh_bus_lag(bus, &lag));
  oh_bus_set_lag(bus, 80);
  g_assert_true(oh_bus_lag(bus, &lag) && lag == 80);
  oh_bus_unref(bus);
  oh_bus_unref(bus);
}

enum { ECHO_FRAME = OH_ECHO_RATE / 100 };

/* Noise in syllables, the same for the same time and voice, as 10 ms of 4 kHz. */
static void speak(guint voice, gint64 frame, gint16 *out) {
  gboolean pause = (frame / 20) % 4 == 3;
  GRand *random = g_rand_new_with_seed_array((guint32[]){voice, (guint32)frame}, 2);
  for (guint i = 0; i < ECHO_FRAME; i++)
    out[i] = pause ? 0 : (gint16)g_rand_int_range(random, -4000, 4000);
  g_rand_free(random);
}

/* Feeds frames until the lag changes; how many it took, or `most`. */
static guint until_change(OhEchoDelay *delay, gint64 *frame, gint lag_frames, guint near_voice,
                          guint most) {
  for (guint fed = 1; fed <= most; fed++) {
    gint16 far[ECHO_FRAME], near[ECHO_FRAME], own[ECHO_FRAME];
    speak(1, *frame, far);
    speak(1, *frame - lag_frames, near);
    speak(2, *frame, own);
    for (guint i = 0; i < ECHO_FRAME; i++)
      near[i] = (gint16)(near[i] / 4 + (near_voice != 0 ? own[i] / 4 : 0));
    (*frame)++;
    if (oh_echo_delay_feed(delay, near, far, ECHO_FRAME)) return fed;
  }
  return most;
}

static void test_echo_delay(void) {
  const gint lags[] = {-5, 0, 1, 4, 8, 12, 18, 25, 40};
  for (guint i = 0; i < G_N_ELEMENTS(lags); i++) {
    OhEchoDelay *delay = oh_echo_delay_new();
    gint64 frame = 1000;
    gint lag;
    g_assert_false(oh_echo_delay_lag(delay, &lag));
    /* Found within 1.5 s, also when the person here speaks at the same time. */
    g_assert_cmpuint(until_change(delay, &frame, lags[i], i % 2, 150), <, 150);
    g_assert_true(oh_echo_delay_lag(delay, &lag));
    g_assert_cmpint(ABS(lag - 10 * lags[i]), <=, 2);
    /* It stays, until the way is another: that is found within 3 s. */
    g_assert_cmpuint(until_change(delay, &frame, lags[i], 1, 300), ==, 300);
    g_assert_cmpuint(until_change(delay, &frame, lags[i] < 30 ? lags[i] + 6 : 10, 0, 300), <, 300);
    g_assert_true(oh_echo_delay_lag(delay, &lag));
    g_assert_cmpint(ABS(lag - 10 * (lags[i] < 30 ? lags[i] + 6 : 10)), <=, 2);
    oh_echo_delay_free(delay);
  }
}

static void test_no_echo(void) {
  OhEchoDelay *delay = oh_echo_delay_new();
  gint lag;
  for (gint64 frame = 0; frame < 3000; frame++) {
    gint16 far[ECHO_FRAME], near[ECHO_FRAME];
    speak(1, frame, far);
    speak(2, frame, near);
    g_assert_false(oh_echo_delay_feed(delay, near, far, ECHO_FRAME));
  }
  g_assert_false(oh_echo_delay_lag(delay, &lag));
  oh_echo_delay_free(delay);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packets/random", test_random_packets);
  g_test_add_func("/rtcp/round-trip", test_rtcp_round_trip);
  g_test_add_func("/source/loss-across-a-wrap", test_source_counts_loss_across_a_wrap);
  g_test_add_func("/timeline/no-seams", test_timeline_has_no_seams);
  g_test_add_func("/latch/two-packets-of-a-stranger", test_latch_needs_two_packets_of_a_stranger);
  g_test_add_func("/dtmf/any-packets", test_dtmf_survives_any_packets);
  g_test_add_func("/dtmf/sent-is-heard", test_dtmf_sent_is_dtmf_heard);
  g_test_add_func("/plc/goes-on-and-fades", test_concealment_goes_on_and_fades);
  g_test_add_func("/tone/strict", test_tones_are_parsed_strictly);
  g_test_add_func("/address", test_addresses);
  g_test_add_func("/bus/mixes-in-time", test_buses);
  g_test_add_func("/echo-delay/found-and-followed", test_echo_delay);
  g_test_add_func("/echo-delay/none", test_no_echo);
  return g_test_run();
}
