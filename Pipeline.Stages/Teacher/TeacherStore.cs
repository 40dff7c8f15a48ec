using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Holds the run's teacher, so that the graphs of all shards share its weights, its process or its connections. Whoever has the store disposes of it, and
/// thereby of the teacher.
/// </summary>
/// <param name="backends">The backends that a definition may name.</param>
public sealed class TeacherStore(IReadOnlyList<TeacherRegistration> backends) : IAsyncDisposable, IDisposable
{
    private readonly Dictionary<(string RunFolder, TeacherDefinition Definition), ITeacher> _teachers = [];
    private readonly Lock _gate = new();

    /// <summary>The teacher of a stage's definition. It is made when it is first asked for, and stays this object's.</summary>
    /// <exception cref="DefinitionException">The definition has no teacher, or names a backend that does not exist.</exception>
    public ITeacher Get(StageContext context)
    {
        TeacherDefinition definition = context.Definition.Teacher
            ?? throw new DefinitionException($"stage '{context.StageName}' needs a \"teacher\" with a \"model\" in the definition");
        TeacherRegistration backend = backends.FirstOrDefault(b => b.Name == definition.Backend)
            ?? throw new DefinitionException($"the teacher's backend is '{definition.Backend}'; expected one of {string.Join(", ", backends.Select(b => b.Name))}");
        lock (_gate)
        {
            if (_teachers.TryGetValue((context.RunFolder, definition), out ITeacher? known)) return known;
            return _teachers[(context.RunFolder, definition)] = backend.Create(definition, context);
        }
    }

    /// <summary>Has the teachers free what they hold, for a flow that has no use for them, such as one that trains on shards.</summary>
    public async ValueTask ReleaseAsync()
    {
        foreach (ITeacher teacher in All()) await teacher.ReleaseAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ITeacher teacher in All()) await teacher.DisposeAsync().ConfigureAwait(false);
        lock (_gate) _teachers.Clear();
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private ITeacher[] All()
    {
        lock (_gate) return [.. _teachers.Values];
    }
}
