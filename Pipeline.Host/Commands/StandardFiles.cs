using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Commands;

/// <summary>
/// <c>-</c> as a file of lines: standard input is kept in a temporary folder while the command runs, because lines
/// are read twice, and output goes there until it is complete, like every output of alm.
/// </summary>
internal sealed class StandardFiles(CommandEnvironment environment) : IDisposable
{
    private const string Mark = "-";

    private readonly Lazy<string> _folder = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("alm-").FullName;
        // A signal that ends the command also deletes it.
        WorkInHand.Add(environment.Storage, folder);
        return folder;
    });

    private string InputCopy => Path.Combine(_folder.Value, "input.jsonl");

    private string OutputCopy => Path.Combine(_folder.Value, "output.jsonl");

    /// <summary>Full path of a file to read.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public string Input(string path)
    {
        if (path != Mark)
            return ModelPaths.File(environment.Storage, path);
        using Stream input = environment.StandardInput();
        using Stream copy = File.Create(InputCopy);
        input.CopyTo(copy);
        return InputCopy;
    }

    /// <summary>Full path of a file to write.</summary>
    public string Output(string path) => path == Mark ? OutputCopy : Path.GetFullPath(path);

    /// <summary>Does the work, then copies what it wrote to standard output.</summary>
    /// <exception cref="InputException">As the work throws it, but naming standard input instead of its copy.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        T result;
        try
        {
            result = await work();
        }
        catch (InputException e) when (_folder.IsValueCreated && e.Message.Contains(InputCopy, StringComparison.Ordinal))
        {
            throw new InputException(e.Message.Replace(InputCopy, "standard input", StringComparison.Ordinal), e);
        }
        if (_folder.IsValueCreated && File.Exists(OutputCopy))
        {
            await using Stream written = File.OpenRead(OutputCopy);
            await using Stream output = environment.StandardOutput();
            await written.CopyToAsync(output);
        }
        return result;
    }

    public void Dispose()
    {
        if (!_folder.IsValueCreated)
            return;
        environment.Storage.DeleteDirectory(_folder.Value);
        WorkInHand.Remove(_folder.Value);
    }
}
