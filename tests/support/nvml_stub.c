/* A driver's NVML, as far as bootstrap/host/gpu.py asks it.
 *
 * What it answers is in the text file that NVML_STUB_SCENARIO names, one fact a line:
 *
 *     init CODE                 what nvmlInit returns (default 0)
 *     driver 550.54.15
 *     driver_code CODE          what nvmlSystemGetDriverVersion returns
 *     cuda 12040
 *     gpu HANDLE_CODE MEMORY_CODE MAJOR MINOR BYTES UUID NAME WITH BLANKS
 *
 * Every nvmlShutdown adds a line to NVML_STUB_SCENARIO + ".shutdowns".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GPUS 16
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2

struct gpu {
    int handle_code, memory_code, major, minor;
    unsigned long long bytes;
    char uuid[96], name[96];
};
struct memory {
    unsigned long long total, free, used;
};

static int init_code, driver_code, cuda, count, initialized;
static char driver[80];
static struct gpu gpus[MAX_GPUS];

static const char *scenario(void)
{
    const char *path = getenv("NVML_STUB_SCENARIO");
    if (path == NULL) {
        fputs("NVML_STUB_SCENARIO is not set\n", stderr);
        abort();
    }
    return path;
}

static void read_scenario(void)
{
    char line[512];
    FILE *file = fopen(scenario(), "r");
    if (file == NULL) {
        perror(scenario());
        abort();
    }
    while (fgets(line, sizeof line, file) != NULL) {
        struct gpu *gpu = &gpus[count];
        if (sscanf(line, "init %d", &init_code) == 1) continue;
        if (sscanf(line, "driver_code %d", &driver_code) == 1) continue;
        if (sscanf(line, "driver %79s", driver) == 1) continue;
        if (sscanf(line, "cuda %d", &cuda) == 1) continue;
        if (count < MAX_GPUS
            && sscanf(line, "gpu %d %d %d %d %llu %95s %95[^\n]", &gpu->handle_code,
                      &gpu->memory_code, &gpu->major, &gpu->minor, &gpu->bytes, gpu->uuid,
                      gpu->name) == 7) {
            count++;
            continue;
        }
        fprintf(stderr, "not understood: %s", line);
        abort();
    }
    fclose(file);
}

int nvmlInitWithFlags(unsigned int flags)
{
    (void)flags;
    read_scenario();
    initialized = init_code == 0;
    return init_code;
}

int nvmlShutdown(void)
{
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s.shutdowns", scenario());
    file = fopen(path, "a");
    if (file != NULL) {
        fputs(initialized ? "closed\n" : "was not open\n", file);
        fclose(file);
    }
    return initialized ? 0 : UNINITIALIZED;
}

const char *nvmlErrorString(int code)
{
    (void)code;
    return "an error of the stub";
}

int nvmlSystemGetDriverVersion(char *text, unsigned int length)
{
    snprintf(text, length, "%s", driver);
    return initialized ? driver_code : UNINITIALIZED;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = cuda;
    return initialized ? 0 : UNINITIALIZED;
}

int nvmlDeviceGetCount_v2(unsigned int *number)
{
    *number = (unsigned int)count;
    return initialized ? 0 : UNINITIALIZED;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct gpu **handle)
{
    if (index >= (unsigned int)count) return INVALID_ARGUMENT;
    *handle = &gpus[index];
    return gpus[index].handle_code;
}

int nvmlDeviceGetName(struct gpu *gpu, char *text, unsigned int length)
{
    snprintf(text, length, "%s", gpu->name);
    return 0;
}

int nvmlDeviceGetMemoryInfo(struct gpu *gpu, struct memory *memory)
{
    memory->total = memory->free = gpu->bytes;
    memory->used = 0;
    return gpu->memory_code;
}

int nvmlDeviceGetCudaComputeCapability(struct gpu *gpu, int *major, int *minor)
{
    *major = gpu->major;
    *minor = gpu->minor;
    return 0;
}

int nvmlDeviceGetUUID(struct gpu *gpu, char *text, unsigned int length)
{
    snprintf(text, length, "%s", gpu->uuid);
    return 0;
}
