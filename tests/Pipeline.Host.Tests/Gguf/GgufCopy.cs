using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>A file with something changed in it, everything else as it was.</summary>
internal static class GgufCopy
{
    /// <param name="from">A file of the types that are written here.</param>
    /// <param name="to">The copy.</param>
    /// <param name="change">Given a key and its value, the value it is to have; null: none.</param>
    /// <param name="keeps">Whether a tensor stays; null: all do.</param>
    public static void Write(string from, string to, Func<string, object, object?> change, Func<string, bool>? keeps = null)
    {
        DiskStorage storage = new();
        using GgufFile file = GgufFile.Open(from, storage);
        GgufWriter writer = new();
        foreach ((string key, object value) in file.Metadata.Values)
        {
            if (change(key, value) is { } changed)
                writer.SetAny(key, changed);
        }
        foreach (GgufTensor tensor in file.Tensors.Where(t => keeps?.Invoke(t.Name) ?? true))
        {
            float[] values = new float[tensor.Shape.Aggregate(1L, (a, b) => a * b)];
            file.Rows(tensor, 0, values);
            writer.Add(new GgufSource(tensor.Name, (GgufType)tensor.Type, tensor.Shape, sink => sink(values)));
        }
        storage.WriteAtomically(to, writer.Write);
    }
}
