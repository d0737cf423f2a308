#include "apm.h"

#include <webrtc/common.h>
#include <webrtc/modules/audio_processing/include/audio_processing.h>

#include <algorithm>
#include <cmath>
#include <new>

using webrtc::AudioProcessing;
using webrtc::EchoCancellation;
using webrtc::GainControl;
using webrtc::NoiseSuppression;
using webrtc::StreamConfig;

namespace {
constexpr guint kLongestFrame = 480;
/* What the library is told: the least that it takes, because of what comes later it finds the delay itself. */
constexpr int kDelayMs = 10;
}

struct OhApm {
  AudioProcessing *processing;
  guint frame; /* samples in 10 ms */
  guint far_frame;
  StreamConfig near_config, far_config;
  float samples[kLongestFrame];
};

OhApm *oh_apm_new(guint rate, guint far_rate) {
  if (rate / 100 > kLongestFrame || far_rate / 100 > kLongestFrame) return nullptr;
  /* 128 ms of echo instead of 48: rooms ring longer than that, and the echo begins later than it seems. */
  webrtc::Config options;
  options.Set<webrtc::ExtendedFilter>(new webrtc::ExtendedFilter(true));
  AudioProcessing *processing = AudioProcessing::Create(options);
  if (processing == nullptr) return nullptr;
  const StreamConfig near(static_cast<int>(rate), 1), far(static_cast<int>(far_rate), 1);
  const webrtc::ProcessingConfig config = {{near, near, far, far}};
  if (processing->Initialize(config) != AudioProcessing::kNoError) {
    delete processing;
    return nullptr;
  }
  processing->high_pass_filter()->Enable(true);
  processing->gain_control()->set_mode(GainControl::kAdaptiveDigital);
  /* What the longer filter leaves is little; suppressing it harder takes from who speaks here. */
  processing->echo_cancellation()->set_suppression_level(EchoCancellation::kLowSuppression);
  /* The devices' clocks are told apart by the lag that is tracked. */
  processing->echo_cancellation()->enable_drift_compensation(false);
  OhApm *apm = new (std::nothrow) OhApm{processing, rate / 100, far_rate / 100, near, far, {}};
  if (apm == nullptr) delete processing;
  return apm;
}

void oh_apm_free(OhApm *apm) {
  if (apm == nullptr) return;
  delete apm->processing;
  delete apm;
}

void oh_apm_set(OhApm *apm, const OhApmSettings *settings) {
  EchoCancellation *echo = apm->processing->echo_cancellation();
  if (echo->is_enabled() != (settings->echo != FALSE)) echo->Enable(settings->echo != FALSE);
  NoiseSuppression *noise = apm->processing->noise_suppression();
  if (settings->noise > 0)
    noise->set_level(static_cast<NoiseSuppression::Level>(settings->noise - 1));
  if (noise->is_enabled() != (settings->noise > 0)) noise->Enable(settings->noise > 0);
  GainControl *gain = apm->processing->gain_control();
  if (gain->is_enabled() != (settings->gain != FALSE)) gain->Enable(settings->gain != FALSE);
}

static void to_float(const gint16 *from, float *to, guint count) {
  for (guint i = 0; i < count; i++) to[i] = from[i] / 32768.0f;
}

gboolean oh_apm_process(OhApm *apm, gint16 *near, const gint16 *far) {
  float *channel = apm->samples;
  if (far != nullptr) {
    to_float(far, channel, apm->far_frame);
    if (apm->processing->AnalyzeReverseStream(&channel, apm->far_frame,
                                              apm->far_config.sample_rate_hz(),
                                              AudioProcessing::kMono) != AudioProcessing::kNoError)
      return FALSE;
  }
  to_float(near, channel, apm->frame);
  apm->processing->set_stream_delay_ms(kDelayMs);
  int result =
      apm->processing->ProcessStream(&channel, apm->near_config, apm->near_config, &channel);
  if (result != AudioProcessing::kNoError) return FALSE;
  for (guint i = 0; i < apm->frame; i++)
    near[i] = static_cast<gint16>(std::lrintf(std::clamp(channel[i] * 32768.0f, -32768.0f, 32767.0f)));
  return TRUE;
}

gboolean oh_apm_has_echo(const OhApm *apm) {
  return apm->processing->echo_cancellation()->stream_has_echo();
}
