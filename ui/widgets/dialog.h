/* SPDX-License-Identifier: MIT */
/* A question over the screen that says what will happen; only `y` agrees. */
#pragma once

#include "ui/term/canvas.h"
#include "ui/term/key.h"

void dialog_draw(const struct canvas *c, const char *title, const char *text);
/* 1 agreed, 0 declined, -1 not an answer. */
int dialog_key(const struct key_event *key);
