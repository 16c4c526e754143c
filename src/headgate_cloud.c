/* SPDX-License-Identifier: MIT */
/* headgate-cloud: the cloud side. */
int main(void) { return 2; }
