// SPDX-License-Identifier: GPL-2.0-or-later
// The tests of ./sdk: each asserts what its name says, by an official client.
import './sdk-older.mjs';
import './sdk-newer.mjs';
import './sdk-toolkit.mjs';
