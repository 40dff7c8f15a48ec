/* What Alm needs of MPI, with the types of C: the handles and constants of MPI differ between implementations, and the compiler of each knows its own. */
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define PIECE (1L << 30)

/* Waits without a busy processor when it takes long: rank 0 may be writing a checkpoint. */
static int await(MPI_Request *requests, int count)
{
    int done = 0, error;
    for (long turn = 0; ; turn++) {
        if ((error = MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE)) != MPI_SUCCESS || done)
            return error;
        if (turn > 20000) {
            struct timespec pause = { 0, 200000 };
            nanosleep(&pause, NULL);
        } else if (turn > 100) {
            sched_yield();
        }
    }
}

int alm_mpi_start(int *rank, int *count, int *local)
{
    int there = 0, given = 0, error;
    MPI_Comm machine;
    if ((error = MPI_Initialized(&there)) != MPI_SUCCESS)
        return error;
    if (!there && (error = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given)) != MPI_SUCCESS)
        return error;
    if (!there && given < MPI_THREAD_SERIALIZED)
        return -1;
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, count);
    if ((error = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, *rank, MPI_INFO_NULL, &machine)) != MPI_SUCCESS)
        return error;
    MPI_Comm_rank(machine, local);
    return MPI_Comm_free(&machine);
}

int alm_mpi_exchange(int with, const char *send, long sending, char *receive, long receiving)
{
    while (sending > 0 || receiving > 0) {
        int out = (int)(sending < PIECE ? sending : PIECE), in = (int)(receiving < PIECE ? receiving : PIECE), count = 0, error;
        MPI_Request requests[2];
        if (in > 0 && (error = MPI_Irecv(receive, in, MPI_BYTE, with, 0, MPI_COMM_WORLD, &requests[count++])) != MPI_SUCCESS)
            return error;
        if (out > 0 && (error = MPI_Isend(send, out, MPI_BYTE, with, 0, MPI_COMM_WORLD, &requests[count++])) != MPI_SUCCESS)
            return error;
        if ((error = await(requests, count)) != MPI_SUCCESS)
            return error;
        send += out; sending -= out; receive += in; receiving -= in;
    }
    return MPI_SUCCESS;
}

int alm_mpi_broadcast(int from, char *data, long length)
{
    for (; length > 0; data += PIECE, length -= PIECE) {
        MPI_Request request;
        int error = MPI_Ibcast(data, (int)(length < PIECE ? length : PIECE), MPI_BYTE, from, MPI_COMM_WORLD, &request);
        if (error != MPI_SUCCESS || (error = await(&request, 1)) != MPI_SUCCESS)
            return error;
    }
    return MPI_SUCCESS;
}

void alm_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

int alm_mpi_end(void) { return MPI_Finalize(); }
