/* SPDX-License-Identifier: Apache-2.0
 *
 * metrng._native.Session: a session of libmetrng. Calls that may wait release the interpreter's
 * lock.
 */
#include "native.h"

#include <string.h>
#include <time.h>

PyTypeObject *session_type;

enum { ERROR_TEXT = 1024 };

/* Only the main thread runs handlers, and only it comes here often enough to matter: asking at most
 * fifty times a second keeps a stream of replies from waiting for the interpreter's lock, which
 * another thread may hold. */
int run_signal_handlers(void *context) {
    enum { INTERVAL_NANOSECONDS = 20 * 1000 * 1000 };
    static _Thread_local struct timespec last;
    SessionObject *self = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - last.tv_sec) * 1000000000L + (now.tv_nsec - last.tv_nsec) <
        INTERVAL_NANOSECONDS) {
        return 0;
    }
    last = now;
    /* A thread that still waits while the interpreter ends has nothing left to ask. */
    if (!Py_IsInitialized()) {
        return 0;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    int failed = PyErr_CheckSignals();
    if (failed) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        Py_XDECREF(self->interruption);
        self->interruption = value;
        Py_XDECREF(type);
        Py_XDECREF(traceback);
    }
    PyGILState_Release(state);
    return failed;
}

PyObject *exception_for(SessionObject *self, metrng_status status) {
    if (status == METRNG_INTERRUPTED && self != NULL && self->interruption != NULL) {
        PyObject *interruption = self->interruption;
        self->interruption = NULL;
        return interruption;
    }
    char text[ERROR_TEXT];
    if (metrng_error(text, sizeof text) == 0) {
        strncpy(text, metrng_status_text(status), sizeof text - 1);
        text[sizeof text - 1] = 0;
    }
    PyObject *errors = PyImport_ImportModule("metrng.errors");
    if (errors == NULL) {
        return NULL;
    }
    PyObject *exception = PyObject_CallMethod(errors, "error_for", "is", (int)status, text);
    Py_DECREF(errors);
    return exception;
}

PyObject *raise_argument(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *text = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    PyObject *errors = text == NULL ? NULL : PyImport_ImportModule("metrng.errors");
    PyObject *type = errors == NULL ? NULL : PyObject_GetAttrString(errors, "InvalidArgument");
    if (type != NULL) {
        PyErr_SetObject(type, text);
    }
    Py_XDECREF(type);
    Py_XDECREF(errors);
    Py_XDECREF(text);
    return NULL;
}

PyObject *raise_status(SessionObject *self, metrng_status status) {
    PyObject *exception = exception_for(self, status);
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

static void close_unused(SessionObject *self) {
    metrng *session = self->session;
    if (session != NULL && self->users == 0) {
        self->session = NULL;
        Py_BEGIN_ALLOW_THREADS;
        metrng_close(session);
        Py_END_ALLOW_THREADS;
    }
}

int session_begin(SessionObject *self) {
    if (self->closed) {
        raise_argument("this session is closed; open another one");
        return 0;
    }
    self->users++;
    return 1;
}

void session_end(SessionObject *self) {
    self->users--;
    if (self->closed) {
        close_unused(self);
    }
}

int target_open(Target *target, PyObject *object, Py_ssize_t count, size_t size, int writable) {
    memset(target, 0, sizeof *target);
    if (count < 0 || (size_t)count > (size_t)PY_SSIZE_T_MAX / size) {
        raise_argument("a count of samples must lie between 0 and what memory can hold, not %zd",
                       count);
        return -1;
    }
    if (PyLong_Check(object)) {
        target->memory = PyLong_AsVoidPtr(object);
        return PyErr_Occurred() == NULL ? 0 : -1;
    }
    if (PyObject_GetBuffer(object, &target->view,
                           writable ? PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS : PyBUF_C_CONTIGUOUS) !=
        0) {
        return -1;
    }
    if (target->view.len < count * (Py_ssize_t)size) {
        raise_argument("the buffer holds %zd bytes, and %zd samples need %zd", target->view.len,
                       count, count * (Py_ssize_t)size);
        PyBuffer_Release(&target->view);
        return -1;
    }
    target->memory = target->view.buf;
    return 0;
}

void target_close(Target *target) {
    if (target->view.obj != NULL) {
        PyBuffer_Release(&target->view);
    }
}

static void session_dealloc(SessionObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (self->session != NULL) {
        metrng_close(self->session);
    }
    Py_XDECREF(self->interruption);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* A failed open leaves a session only to tell why; this raises that, and drops it. */
static PyObject *opened(SessionObject *self, metrng_status status) {
    if (status == METRNG_OK) {
        return (PyObject *)self;
    }
    raise_status(self, status);
    Py_DECREF(self);
    return NULL;
}

/* Session(path or None, grade, allow_simulated, reconnect_seconds, wait_seconds, client, record
 * descriptor or -1, replay descriptor or -1) */
static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    const char *path, *client;
    int grade, allow_simulated, record, replay;
    double reconnect_seconds, wait_seconds;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "ziiddsii", &path, &grade, &allow_simulated,
                          &reconnect_seconds, &wait_seconds, &client, &record, &replay)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    SessionObject *self = (SessionObject *)allocate(type, 0);
    if (self == NULL) {
        return NULL;
    }
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = path;
    options.grade = (metrng_grade)grade;
    options.allow_simulated = allow_simulated;
    options.reconnect_seconds = reconnect_seconds;
    options.wait_seconds = wait_seconds;
    options.client = client;
    options.record_descriptor = record;
    options.interrupted = run_signal_handlers;
    options.context = self;
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = replay >= 0 ? metrng_open_replay(&self->session, replay, &options)
                         : metrng_open(&self->session, &options);
    Py_END_ALLOW_THREADS;
    return opened(self, status);
}

static PyObject *session_close(SessionObject *self, PyObject *unused) {
    (void)unused;
    self->closed = 1;
    close_unused(self);
    Py_RETURN_NONE;
}

static PyObject *session_info(SessionObject *self, PyObject *unused) {
    (void)unused;
    enum { INFO_SIZE = 256 * 1024 + 1 }; /* libmetrng accepts no longer one */
    char *text = PyMem_Malloc(INFO_SIZE);
    if (text == NULL) {
        return PyErr_NoMemory();
    }
    if (!session_begin(self)) {
        PyMem_Free(text);
        return NULL;
    }
    size_t needed = 0;
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_info(self->session, text, INFO_SIZE, &needed);
    Py_END_ALLOW_THREADS;
    session_end(self);
    PyObject *result = status == METRNG_OK
                           ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)needed, "replace")
                           : raise_status(self, status);
    PyMem_Free(text);
    return result;
}

/* (provenance, grade, first epoch, last epoch) of the last call that drew */
static PyObject *session_origin(SessionObject *self, PyObject *unused) {
    (void)unused;
    metrng_origin origin;
    if (!session_begin(self)) {
        return NULL;
    }
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_get_origin(self->session, &origin);
    Py_END_ALLOW_THREADS;
    session_end(self);
    if (status != METRNG_OK) {
        return raise_status(self, status);
    }
    return Py_BuildValue("iiII", (int)origin.provenance, (int)origin.grade, origin.first_epoch,
                         origin.last_epoch);
}

/* (used, discarded, at hand, (hardware, simulated, replay, host), requests, reconnections,
 * provenance, grade, first epoch, last epoch) */
static PyObject *session_report(SessionObject *self, PyObject *unused) {
    (void)unused;
    metrng_report report;
    if (!session_begin(self)) {
        return NULL;
    }
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_get_report(self->session, &report, sizeof report);
    Py_END_ALLOW_THREADS;
    session_end(self);
    if (status != METRNG_OK) {
        return raise_status(self, status);
    }
    return Py_BuildValue(
        "KKK(KKKK)KKiiII", (unsigned long long)report.bytes_used,
        (unsigned long long)report.bytes_discarded, (unsigned long long)report.bytes_at_hand,
        (unsigned long long)report.bytes_from[0], (unsigned long long)report.bytes_from[1],
        (unsigned long long)report.bytes_from[2], (unsigned long long)report.bytes_from[3],
        (unsigned long long)report.requests, (unsigned long long)report.reconnections,
        (int)report.origin.provenance, (int)report.origin.grade, report.origin.first_epoch,
        report.origin.last_epoch);
}

static PyObject *session_record(SessionObject *self, PyObject *argument) {
    long descriptor = PyLong_AsLong(argument);
    if (PyErr_Occurred() != NULL || !session_begin(self)) {
        return NULL;
    }
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_record(self->session, (int)descriptor);
    Py_END_ALLOW_THREADS;
    session_end(self);
    if (status != METRNG_OK) {
        return raise_status(self, status);
    }
    Py_RETURN_NONE;
}

static PyObject *session_reserve(SessionObject *self, PyObject *argument) {
    size_t count = PyLong_AsSize_t(argument);
    if (PyErr_Occurred() != NULL || !session_begin(self)) {
        return NULL;
    }
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_reserve_words(self->session, count);
    Py_END_ALLOW_THREADS;
    session_end(self);
    if (status != METRNG_OK) {
        return raise_status(self, status);
    }
    Py_RETURN_NONE;
}

static PyMethodDef session_methods[] = {
    {"close", (PyCFunction)session_close, METH_NOARGS,
     "Closes the connection; the bits at hand are wiped."},
    {"info", (PyCFunction)session_info, METH_NOARGS,
     "The daemon's description of itself, as JSON."},
    {"origin", (PyCFunction)session_origin, METH_NOARGS,
     "Origin of the bits of the last call that drew."},
    {"record", (PyCFunction)session_record, METH_O,
     "record(descriptor): records consumed words there; -1 ends it."},
    {"reserve", (PyCFunction)session_reserve, METH_O,
     "reserve(count): waits until so many words, at most 32768, are at hand."},
    {"report", (PyCFunction)session_report, METH_NOARGS, "What the session did so far."},
    {NULL, NULL, 0, NULL},
};

/* The methods of this file and of fills.c, as one table that lives as long as the type. */
static PyMethodDef all_methods[32];

static void join_methods(void) {
    size_t count = 0;
    for (const PyMethodDef *method = session_methods; method->ml_name != NULL; method++) {
        all_methods[count++] = *method;
    }
    for (const PyMethodDef *method = session_fills; method->ml_name != NULL; method++) {
        all_methods[count++] = *method;
    }
}

int add_session_type(PyObject *module) {
    join_methods();
    PyType_Slot slots[] = {
        {Py_tp_new, session_new},
        {Py_tp_dealloc, session_dealloc},
        {Py_tp_methods, all_methods},
        {Py_tp_doc, "A session of libmetrng."},
        {0, NULL},
    };
    PyType_Spec spec = {"metrng._native.Session", sizeof(SessionObject), 0, Py_TPFLAGS_DEFAULT,
                        slots};
    session_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return session_type == NULL
               ? -1
               : PyModule_AddObjectRef(module, "Session", (PyObject *)session_type);
}
