/* SPDX-License-Identifier: Apache-2.0
 *
 * The draws of metrng._native.Session. Each fill takes its target first: a writable buffer or the
 * address of memory, then the number of samples. Nothing is partly filled: when a call raises, the
 * target holds zeros.
 */
#include "native.h"

#include <string.h>

/* Waits without the interpreter's lock. `CALL` is an expression of libmetrng that gives a status.
 */
#define DRAW(CALL)                         \
    metrng_status status;                  \
    if (!session_begin(self)) {            \
        target_close(&target);             \
        return NULL;                       \
    }                                      \
    Py_BEGIN_ALLOW_THREADS;                \
    status = (CALL);                       \
    Py_END_ALLOW_THREADS;                  \
    session_end(self);                     \
    target_close(&target);                 \
    if (status != METRNG_OK) {             \
        return raise_status(self, status); \
    }                                      \
    Py_RETURN_NONE

static PyObject *fill(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    Target target;
    if (!PyArg_ParseTuple(arguments, "On", &object, &count) ||
        target_open(&target, object, count, 1, 1) != 0) {
        return NULL;
    }
    DRAW(metrng_read(self->session, target.memory, (size_t)count));
}

static PyObject *fill_uniform(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    int is_double;
    Target target;
    if (!PyArg_ParseTuple(arguments, "Oni", &object, &count, &is_double) ||
        target_open(&target, object, count, is_double ? sizeof(double) : sizeof(float), 1) != 0) {
        return NULL;
    }
    DRAW(is_double ? metrng_uniform_double(self->session, target.memory, (size_t)count)
                   : metrng_uniform_float(self->session, target.memory, (size_t)count));
}

static PyObject *fill_normal(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    int is_double;
    double mean, deviation;
    Target target;
    if (!PyArg_ParseTuple(arguments, "Onidd", &object, &count, &is_double, &mean, &deviation) ||
        target_open(&target, object, count, is_double ? sizeof(double) : sizeof(float), 1) != 0) {
        return NULL;
    }
    DRAW(is_double
             ? metrng_normal_double(self->session, target.memory, (size_t)count, mean, deviation)
             : metrng_normal_float(self->session, target.memory, (size_t)count, (float)mean,
                                   (float)deviation));
}

static PyObject *fill_bernoulli(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    double probability;
    int method;
    Target target;
    if (!PyArg_ParseTuple(arguments, "Ondi", &object, &count, &probability, &method) ||
        target_open(&target, object, count, 1, 1) != 0) {
        return NULL;
    }
    DRAW(metrng_bernoulli_bytes(self->session, target.memory, (size_t)count, probability,
                                (metrng_method)method));
}

static PyObject *fill_bernoulli_packed(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    double probability;
    int method;
    Target target;
    if (!PyArg_ParseTuple(arguments, "Ondi", &object, &count, &probability, &method)) {
        return NULL;
    }
    /* Rounded towards 0, a negative count would be none at all. */
    Py_ssize_t words = count < 0 ? count : count / 64 + (count % 64 > 0);
    if (target_open(&target, object, words, sizeof(uint64_t), 1) != 0) {
        return NULL;
    }
    DRAW(metrng_bernoulli_packed(self->session, target.memory, (size_t)count, probability,
                                 (metrng_method)method));
}

static PyObject *fill_bernoulli_each(SessionObject *self, PyObject *arguments) {
    PyObject *object, *probabilities_object;
    Py_ssize_t count;
    Target target, probabilities;
    if (!PyArg_ParseTuple(arguments, "OOn", &object, &probabilities_object, &count) ||
        target_open(&probabilities, probabilities_object, count, sizeof(float), 0) != 0) {
        return NULL;
    }
    if (target_open(&target, object, count, 1, 1) != 0) {
        target_close(&probabilities);
        return NULL;
    }
    int open = session_begin(self);
    metrng_status status = METRNG_OK;
    if (open) {
        Py_BEGIN_ALLOW_THREADS;
        status = metrng_bernoulli_each(self->session, target.memory, probabilities.memory,
                                       (size_t)count);
        Py_END_ALLOW_THREADS;
        session_end(self);
    }
    target_close(&target);
    target_close(&probabilities);
    if (!open || status != METRNG_OK) {
        return open ? raise_status(self, status) : NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *fill_integers(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    unsigned long long bound;
    Target target;
    if (!PyArg_ParseTuple(arguments, "OnK", &object, &count, &bound) ||
        target_open(&target, object, count, sizeof(uint64_t), 1) != 0) {
        return NULL;
    }
    DRAW(metrng_integers(self->session, target.memory, (size_t)count, bound));
}

static PyObject *fill_permutation(SessionObject *self, PyObject *arguments) {
    PyObject *object;
    Py_ssize_t count;
    Target target;
    if (!PyArg_ParseTuple(arguments, "On", &object, &count) ||
        target_open(&target, object, count, sizeof(int64_t), 1) != 0) {
        return NULL;
    }
    DRAW(metrng_permutation(self->session, target.memory, (size_t)count));
}

static PyObject *read_bytes(SessionObject *self, PyObject *argument) {
    Py_ssize_t count = PyLong_AsSsize_t(argument);
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (count < 0) {
        return raise_argument("a number of bytes cannot be negative: %zd", count);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count);
    if (bytes == NULL || !session_begin(self)) {
        Py_XDECREF(bytes);
        return NULL;
    }
    char *memory = PyBytes_AsString(bytes);
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_read(self->session, memory, (size_t)count);
    Py_END_ALLOW_THREADS;
    session_end(self);
    if (status != METRNG_OK) {
        Py_DECREF(bytes);
        return raise_status(self, status);
    }
    return bytes;
}

static PyObject *random_double(SessionObject *self, PyObject *unused) {
    (void)unused;
    double value;
    if (!session_begin(self)) {
        return NULL;
    }
    metrng_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_uniform_double(self->session, &value, 1);
    Py_END_ALLOW_THREADS;
    session_end(self);
    return status == METRNG_OK ? PyFloat_FromDouble(value) : raise_status(self, status);
}

/* metrng._native.Alias: the table of a categorical distribution. */
typedef struct {
    PyObject_HEAD metrng_alias *table;
} AliasObject;

PyTypeObject *alias_type;

static void alias_dealloc(AliasObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (self->table != NULL) {
        metrng_alias_free(self->table);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* Alias(weights as a buffer of doubles, count) */
static PyObject *alias_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    PyObject *object;
    Py_ssize_t count;
    Target weights;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "On", &object, &count) ||
        target_open(&weights, object, count, sizeof(double), 0) != 0) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    AliasObject *self = (AliasObject *)allocate(type, 0);
    metrng_status status = self == NULL
                               ? METRNG_NO_MEMORY
                               : metrng_alias_new(&self->table, weights.memory, (size_t)count);
    target_close(&weights);
    if (status == METRNG_OK) {
        return (PyObject *)self;
    }
    Py_XDECREF(self);
    if (status == METRNG_INVALID_ARGUMENT) {
        return raise_argument("weights must be finite, not negative, and not all zero");
    }
    return raise_status(NULL, status);
}

int add_alias_type(PyObject *module) {
    PyType_Slot slots[] = {
        {Py_tp_new, alias_new},
        {Py_tp_dealloc, alias_dealloc},
        {Py_tp_doc, "The table of a categorical distribution."},
        {0, NULL},
    };
    PyType_Spec spec = {"metrng._native.Alias", sizeof(AliasObject), 0, Py_TPFLAGS_DEFAULT, slots};
    alias_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return alias_type == NULL ? -1 : PyModule_AddObjectRef(module, "Alias", (PyObject *)alias_type);
}

static PyObject *fill_categorical(SessionObject *self, PyObject *arguments) {
    PyObject *object, *alias;
    Py_ssize_t count;
    Target target;
    if (!PyArg_ParseTuple(arguments, "OnO!", &object, &count, alias_type, &alias) ||
        target_open(&target, object, count, sizeof(int64_t), 1) != 0) {
        return NULL;
    }
    DRAW(metrng_categorical(self->session, ((AliasObject *)alias)->table, target.memory,
                            (size_t)count));
}

PyMethodDef session_fills[] = {
    {"fill", (PyCFunction)fill, METH_VARARGS, "fill(target, bytes)"},
    {"fill_uniform", (PyCFunction)fill_uniform, METH_VARARGS,
     "fill_uniform(target, count, is_double)"},
    {"fill_normal", (PyCFunction)fill_normal, METH_VARARGS,
     "fill_normal(target, count, is_double, mean, deviation)"},
    {"fill_bernoulli", (PyCFunction)fill_bernoulli, METH_VARARGS,
     "fill_bernoulli(target, count, p, method)"},
    {"fill_bernoulli_packed", (PyCFunction)fill_bernoulli_packed, METH_VARARGS,
     "fill_bernoulli_packed(target, samples, p, method)"},
    {"fill_bernoulli_each", (PyCFunction)fill_bernoulli_each, METH_VARARGS,
     "fill_bernoulli_each(target, probabilities, count)"},
    {"fill_categorical", (PyCFunction)fill_categorical, METH_VARARGS,
     "fill_categorical(target, count, alias)"},
    {"fill_integers", (PyCFunction)fill_integers, METH_VARARGS,
     "fill_integers(target, count, bound)"},
    {"fill_permutation", (PyCFunction)fill_permutation, METH_VARARGS,
     "fill_permutation(target, count)"},
    {"read", (PyCFunction)read_bytes, METH_O, "read(count): bytes"},
    {"random", (PyCFunction)random_double, METH_NOARGS, "random(): a float in [0, 1)"},
    {NULL, NULL, 0, NULL},
};
