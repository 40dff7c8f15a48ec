using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary>Paths of the command line as full paths, with an error that names the path if it does not exist.</summary>
internal static class ModelPaths
{
    /// <summary>A folder, a file, or <c>bytes</c>.</summary>
    public static string Tokenizer(string path) => path == TextTokenizer.BytesPath ? path : Path.GetFullPath(path);

    /// <exception cref="InputException">There is no such folder.</exception>
    public static string Model(IStorage storage, string path)
    {
        string full = Path.GetFullPath(path);
        return storage.DirectoryExists(full) ? full : throw new InputException($"{full} is not a folder; give a model folder in Hugging Face's layout");
    }

    /// <exception cref="InputException">There is no such file.</exception>
    public static string File(IStorage storage, string path)
    {
        string full = Path.GetFullPath(path);
        return storage.FileExists(full) ? full : throw new InputException($"{full} does not exist");
    }
}
