/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sources of metrng._native share. The module uses the stable ABI of Python 3.10, so that
 * one wheel serves all later versions. Functions that return a PyObject * return a new reference,
 * or NULL with an exception set.
 */
#ifndef METRNG_NATIVE_H
#define METRNG_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "metrng.h"

#if Py_LIMITED_API + 0 < 0x030B0000
/* The buffer protocol joined the stable ABI in 3.11; 3.10 has the same structure and functions. */
typedef struct {
    void *buf;
    PyObject *obj;
    Py_ssize_t len;
    Py_ssize_t itemsize;
    int readonly;
    int ndim;
    char *format;
    Py_ssize_t *shape;
    Py_ssize_t *strides;
    Py_ssize_t *suboffsets;
    void *internal;
} Py_buffer;
PyAPI_FUNC(int) PyObject_GetBuffer(PyObject *, Py_buffer *, int);
PyAPI_FUNC(void) PyBuffer_Release(Py_buffer *);
#define PyBUF_WRITABLE 0x0001
#define PyBUF_ND 0x0008
#define PyBUF_STRIDES (0x0010 | PyBUF_ND)
#define PyBUF_C_CONTIGUOUS (0x0020 | PyBUF_STRIDES)
#endif

/* metrng._native.Session. All members belong to the holder of the interpreter's lock.
 *
 * `users` counts the calls under way and the bit generators: libmetrng's session is closed when it
 * is closed here and nobody uses it. `interruption` is the exception that a signal handler raised
 * during a call, until the call returns. */
typedef struct {
    PyObject_HEAD metrng *session;
    PyObject *interruption;
    Py_ssize_t users;
    int closed;
} SessionObject;

extern PyTypeObject *session_type, *alias_type, *lock_type, *bit_generator_type;

/* The callback of metrng_options: runs Python's signal handlers. `context` is the SessionObject.
 * Nonzero when one of them raised. The caller need not hold the interpreter's lock. */
int run_signal_handlers(void *context);

/* Sets the exception for a status other than METRNG_OK, and returns NULL. */
PyObject *raise_status(SessionObject *self, metrng_status status);

/* Sets metrng.InvalidArgument with a text in the format of PyUnicode_FromFormat, and returns NULL.
 */
PyObject *raise_argument(const char *format, ...);

/* The exception for a status, not raised; NULL when it could not be made. */
PyObject *exception_for(SessionObject *self, metrng_status status);

/* Begins a use of the session, which session_end ends: 1, or 0 with an exception set when it is
 * closed. */
int session_begin(SessionObject *self);
void session_end(SessionObject *self);

/* Memory to be filled: a writable C-contiguous buffer, or the address of memory that the caller
 * keeps alive. */
typedef struct {
    void *memory;
    Py_buffer view;
} Target;

/* Opens `object`, which must hold `count` items of `size` bytes. 0 on success, -1 with an exception
 * set. */
int target_open(Target *target, PyObject *object, Py_ssize_t count, size_t size, int writable);
void target_close(Target *target);

/* Each adds its type to the module: 0, or -1 with an exception set. */
int add_session_type(PyObject *module);
int add_alias_type(PyObject *module);
int add_bit_generator_types(PyObject *module);

/* The fills of a session (fills.c); their table ends with zeros. */
extern PyMethodDef session_fills[];

#endif
