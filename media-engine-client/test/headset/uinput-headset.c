/*
 * A headset that the kernel believes in: made through /dev/uinput, it presses KEY_PHONE for each 'p' and
 * KEY_MICMUTE for each 'm' on standard input, and is unplugged at its end. Says "ready" once it is there.
 */
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int emit(int fd, int type, int code, int value) {
  struct input_event event = {.type = type, .code = code, .value = value};
  return write(fd, &event, sizeof event) == sizeof event ? 0 : -1;
}

int main(void) {
  int fd = open("/dev/uinput", O_WRONLY);
  struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 0x1209, .product = 1}};
  strcpy(setup.name, "Offhook test headset");
  if (fd < 0 || ioctl(fd, UI_SET_EVBIT, EV_KEY) < 0 || ioctl(fd, UI_SET_KEYBIT, KEY_PHONE) < 0 ||
      ioctl(fd, UI_SET_KEYBIT, KEY_MICMUTE) < 0 || ioctl(fd, UI_DEV_SETUP, &setup) < 0 ||
      ioctl(fd, UI_DEV_CREATE) < 0) {
    perror("uinput");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  for (int key; (key = getchar()) != EOF;) {
    int code = key == 'p' ? KEY_PHONE : KEY_MICMUTE;
    if (emit(fd, EV_KEY, code, 1) < 0 || emit(fd, EV_SYN, SYN_REPORT, 0) < 0 ||
        emit(fd, EV_KEY, code, 0) < 0 || emit(fd, EV_SYN, SYN_REPORT, 0) < 0) {
      perror("press");
      return 1;
    }
  }
  ioctl(fd, UI_DEV_DESTROY);
  return 0;
}
