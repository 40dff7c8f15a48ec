// torch's number of threads belongs to the process, and the last bits of a result depend on it. Tests that ran beside each other with different numbers would
// change each other's results.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
