using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Commands;

/// <summary>
/// Lets <c>-</c> stand for standard input and output, in commands that read and write files of lines. Standard input is copied to a temporary folder,
/// because its lines are read twice. The output is written there too, and is copied to standard output when it is complete.
/// </summary>
internal sealed class StandardFiles(CommandEnvironment environment) : IDisposable
{
    private const string Mark = "-";

    private readonly Lazy<string> _folder = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("alm-").FullName;
        // A signal that ends the command then deletes the folder too.
        WorkInHand.Add(environment.Storage, folder);
        return folder;
    });

    private string InputCopy => Path.Combine(_folder.Value, "input.jsonl");

    private string OutputCopy => Path.Combine(_folder.Value, "output.jsonl");

    /// <summary>The full path of a file to read. Standard input is read to its end first.</summary>
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

    /// <summary>The full path of a file to write.</summary>
    public string Output(string path) => path == Mark ? OutputCopy : Path.GetFullPath(path);

    /// <summary>Does the work. Then copies what it has written to standard output, if that is where the output goes.</summary>
    /// <exception cref="InputException">The work has thrown it. The message names standard input instead of its copy.</exception>
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
