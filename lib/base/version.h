/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDKIT_BASE_VERSION_H
#define SCHEDKIT_BASE_VERSION_H

#define SCHEDKIT_VERSION "0.1"

#endif
