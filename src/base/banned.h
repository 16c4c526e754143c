/* SPDX-License-Identifier: MIT */
/* Forced into every file of src/ and ui/ (meson.build): these do not compile. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison sprintf vsprintf strcpy strcat system popen gets strtok atoi atol strncpy
