/* Another time for one program, when this is preloaded.
 *
 * OTHER_CLOCK_SECONDS is what to add to the time of day. What measures waiting stays as it is;
 * that is where the packaged libraries of the kind make Python's time.sleep or its locks fail.
 * The programs that it starts find in LD_PRELOAD what OTHER_CLOCK_PRELOAD names instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t added;

__attribute__((constructor)) static void begin(void) {
    const char *seconds = getenv("OTHER_CLOCK_SECONDS"), *others = getenv("OTHER_CLOCK_PRELOAD");
    added = seconds ? (time_t)atoll(seconds) : 0;
    setenv("LD_PRELOAD", others ? others : "", 1);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += added;
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
