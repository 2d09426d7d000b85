/* Preloaded into a process: its wall clock is wrong by the seconds that stand in the file $FAULTS_CLOCK. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_cond_clockwait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
static int (*real_sem_clockwait)(sem_t *, clockid_t, const struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real_cond_clockwait = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(
        RTLD_NEXT, "pthread_cond_clockwait");
    real_sem_clockwait = (int (*)(sem_t *, clockid_t, const struct timespec *))dlsym(RTLD_NEXT, "sem_clockwait");
    const char *path = getenv("FAULTS_CLOCK");
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *map = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
        offset_s = map == MAP_FAILED ? NULL : map;
        close(file);
    }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_clock_gettime)
        begin();
    int failed = real_clock_gettime(clock, now);
    if (!failed && offset_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *offset_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *into) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (into)
        *into = exact.tv_sec;
    return exact.tv_sec;
}

/* The kernel knows nothing of the wrong clock: who waits until a time by it must be told the right one. Times of
   the monotonic clock, which count from the start of the machine, are told by their size. */
static clockid_t clock_of(const struct timespec *until) {
    return until->tv_sec > 1000000000 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

static struct timespec right(clockid_t clock, const struct timespec *until) {
    struct timespec found = *until;
    if (!real_cond_clockwait)
        begin();
    if (offset_s && clock == CLOCK_REALTIME)
        found.tv_sec -= *offset_s;
    return found;
}

int pthread_cond_clockwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until) {
    struct timespec exact = right(clock, until);
    return real_cond_clockwait(condition, mutex, clock, &exact);
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    return pthread_cond_clockwait(condition, mutex, clock_of(until), until);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    struct timespec exact = right(clock, until);
    return real_sem_clockwait(semaphore, clock, &exact);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    return sem_clockwait(semaphore, clock_of(until), until);
}
