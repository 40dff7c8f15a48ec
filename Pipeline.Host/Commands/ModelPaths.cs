using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary>Makes full paths of those on the command line. An error names a path that does not exist.</summary>
internal static class ModelPaths
{
    /// <summary>The full path of a tokenizer's folder or file, or <c>bytes</c>. Whether it exists is not checked.</summary>
    public static string Tokenizer(string path) => path == TextTokenizer.BytesPath ? path : Path.GetFullPath(path);

    /// <summary>The full path of a model folder.</summary>
    /// <exception cref="InputException">There is no such folder.</exception>
    public static string Model(IStorage storage, string path)
    {
        string full = Path.GetFullPath(path);
        return storage.DirectoryExists(full) ? full : throw new InputException($"{full} is not a folder; give a model folder in Hugging Face's layout");
    }

    /// <summary>The full path of a file.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public static string File(IStorage storage, string path)
    {
        string full = Path.GetFullPath(path);
        return storage.FileExists(full) ? full : throw new InputException($"{full} does not exist");
    }
}
