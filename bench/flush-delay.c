/* Makes every flush to disk take longer, by CHECKVALVE_BENCH_FLUSH_US microseconds: disks of hosted machines
   need milliseconds where a local one needs microseconds. Preloaded into PostgreSQL's processes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void delay(void) {
  const char *us = getenv("CHECKVALVE_BENCH_FLUSH_US");
  if (us != NULL) usleep((useconds_t)atoi(us));
}

int fdatasync(int fd) {
  static int (*original)(int);
  if (original == NULL) original = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  delay();
  return original(fd);
}

int fsync(int fd) {
  static int (*original)(int);
  if (original == NULL) original = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  delay();
  return original(fd);
}
