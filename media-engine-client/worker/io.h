/* The network thread: one for all ports, so that a leg costs no thread of its own for its sockets. */
#pragma once
#include "port.h"

void oh_io_start(void);
void oh_io_add(OhPort *port);
/* Afterwards nothing is read from the port's sockets. */
void oh_io_remove(OhPort *port);
/* A timer of some port may be due earlier than before. */
void oh_io_wake(void);
