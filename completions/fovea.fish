# Completion for fish. The program itself knows what may stand at the cursor: fovea help --complete WORD...
function __fovea_candidates
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    for line in ($program help --complete $words (commandline -ct) 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :directories
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c fovea -f -a '(__fovea_candidates)'
